// One message, or one album, as a bubble.

import { h, icon, iconButton, modal, svg } from "./dom.js";
import { fileUrl } from "./net.js";
import { clock, decimal, t } from "./words.js";

const TAGS = {
  bold: "strong",
  italic: "em",
  underline: "u",
  strikethrough: "s",
  code: "code",
  pre: "pre",
  blockquote: "blockquote",
  expandable_blockquote: "blockquote",
};

/**
 * @param entries  messages that belong together, as the control interface shows them
 * @param acts     tap(message, button, element), open(url), command(text), openMessageMenu(entry, element)
 */
export function bubble(entries, acts) {
  const last = entries.at(-1);
  const body = entries[0].body;
  const own = last.own;
  const box = h("div", { class: `bubble${body.sticker ? " bare" : ""}` });
  box.append(...head(body));
  const media = h("div", { class: `media count-${Math.min(entries.length, 4)}` });
  media.append(...entries.map((entry) => content(entry.body)).filter(Boolean));
  if (media.children.length) box.append(media);
  for (const { body: each } of entries) {
    const text = each.text ?? each.caption;
    if (text) box.append(prose(text, each.entities ?? each.caption_entities ?? [], acts));
  }
  box.append(foot(last));
  const article = h("article", { class: `message ${own ? "own" : "theirs"}`, "data-id": last.message_id });
  const line = h("div", { class: "line" }, box, moreButton(last, acts));
  article.append(line);
  const keyboard = last.body.reply_markup?.inline_keyboard;
  if (keyboard) article.append(inlineKeyboard(last, keyboard, acts));
  return article;
}

function moreButton(entry, acts) {
  const button = iconButton("dots", t("more"), () => acts.openMessageMenu(entry, button), { class: "more" });
  button.setAttribute("aria-haspopup", "menu");
  return button;
}

function head(body) {
  const parts = [];
  if (body.forward_origin) {
    const name = body.forward_origin.sender_user?.first_name ?? "?";
    parts.push(h("div", { class: "forwarded" }, t("forwarded", { name })));
  }
  if (body.reply_to_message) {
    const quoted = body.reply_to_message;
    const words = quoted.text ?? quoted.caption ?? kindOf(quoted);
    parts.push(h("div", { class: "quote" }, h("b", {}, quoted.from.first_name), h("span", {}, words)));
  }
  return parts;
}

function foot(entry) {
  const { body } = entry;
  const ticks = entry.own
    ? h("span", { class: "ticks", role: "img", "aria-label": t(entry.read ? "taken" : "sent") }, tickMarks(entry.read))
    : null;
  const shield = body.has_protected_content ? h("span", { class: "protected", title: t("protectedNote") }, icon("lock")) : null;
  return h(
    "span",
    { class: "foot" },
    shield,
    body.edit_date ? h("span", {}, t("edited")) : null,
    h("time", {}, clock(body.date)),
    ticks,
  );
}

function tickMarks(double) {
  const mark = (x) => svg("path", { d: `M${x} 7l3 3 6-7` });
  return svg("svg", { viewBox: "0 0 18 13", class: "tick" }, mark(1), ...(double ? [mark(6)] : []));
}

// Text

/** Text with its entities; offsets count UTF-16 units, as JavaScript does. */
export function prose(text, entities, acts) {
  const ordered = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return h("div", { class: "prose" }, ...marked(text, 0, text.length, ordered, acts));
}

function marked(text, from, to, entities, acts) {
  const nodes = [];
  let at = from;
  let next = 0;
  while (next < entities.length) {
    const entity = entities[next];
    const end = Math.min(entity.offset + entity.length, to);
    const inside = [];
    let after = next + 1;
    while (after < entities.length && entities[after].offset < end) inside.push(entities[after++]);
    if (entity.offset > at) nodes.push(text.slice(at, entity.offset));
    const children = marked(text, entity.offset, end, inside, acts);
    nodes.push(wrap(entity, text.slice(entity.offset, end), children, acts));
    at = end;
    next = after;
  }
  if (at < to) nodes.push(text.slice(at, to));
  return nodes;
}

function wrap(entity, text, children, acts) {
  const { type } = entity;
  if (type in TAGS) return h(TAGS[type], {}, ...children);
  if (type === "spoiler") {
    const cover = h("span", { class: "spoiler", tabIndex: 0, role: "button", onclick: () => cover.classList.add("seen") }, ...children);
    cover.addEventListener("keydown", (event) => event.key === "Enter" && cover.classList.add("seen"));
    return cover;
  }
  if (type === "bot_command")
    return h("button", { type: "button", class: "link", onclick: () => acts.command(text) }, ...children);
  const address = { text_link: entity.url, url: text, email: `mailto:${text}`, phone_number: `tel:${text}` }[type];
  return address ? link(address, children, acts) : h("span", { class: "link" }, ...children);
}

function link(address, children, acts) {
  const href = /^[a-z]+:/i.test(address) ? address : `https://${address}`;
  if (!/^(https?|mailto|tel|tg):/i.test(href)) return h("span", {}, ...children);
  const follow = (event) => {
    if (acts.open(href)) event.preventDefault();
  };
  return h("a", { href, target: "_blank", rel: "noopener noreferrer", onclick: follow }, ...children);
}

// Media

function kindOf(body) {
  if (body.photo) return t("photo");
  if (body.location) return t("location");
  if (body.voice) return t("voice");
  if (body.sticker) return t("sticker");
  if (body.contact) return body.contact.first_name;
  return body.document?.file_name ?? body.video?.file_name ?? t("unknown");
}

function content(body) {
  if (body.photo) return photo(body);
  if (body.video || body.animation) return video(body.video ?? body.animation);
  if (body.document) return documentCard(body.document);
  if (body.location) return place(body);
  if (body.contact) return contact(body.contact);
  if (body.sticker) return h("img", { class: "sticker", src: fileUrl(body.sticker.file_id), alt: t("sticker") });
  if (body.voice || body.audio) return h("audio", { controls: true, preload: "metadata", src: fileUrl((body.voice ?? body.audio).file_id) });
  return null;
}

function photo(body) {
  const shown = body.photo.find((size) => size.width >= 640) ?? body.photo.at(-1);
  const image = h("img", { src: fileUrl(shown.file_id), alt: body.caption ?? t("photo"), width: shown.width, height: shown.height });
  const large = () => {
    const dialog = modal(
      t("photo"),
      h(
        "div",
        { class: "viewer" },
        h("img", { src: fileUrl(body.photo.at(-1).file_id), alt: body.caption ?? t("photo") }),
        iconButton("close", t("close"), () => dialog.close(), { autofocus: true }),
      ),
      "lightbox",
    );
  };
  return h("button", { type: "button", class: "photo", "aria-label": `${t("openPhoto")}: ${body.caption ?? ""}`, onclick: large }, image);
}

function video(file) {
  return h("video", { controls: true, preload: "metadata", src: fileUrl(file.file_id), "aria-label": file.file_name ?? "video" });
}

function documentCard(file) {
  const name = file.file_name ?? "file";
  return h(
    "a",
    { class: "card", href: fileUrl(file.file_id, true), download: name, "aria-label": t("download", { name }) },
    h("span", { class: "card-icon" }, icon("file")),
    h("span", { class: "card-text" }, h("b", {}, name), h("small", {}, size(file.file_size))),
  );
}

function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${decimal(bytes / 1024)} KB`;
  return `${decimal(bytes / 1024 / 1024)} MB`;
}

function place(body) {
  const { latitude, longitude } = body.location;
  const lines = body.venue ? [h("b", {}, body.venue.title), h("small", {}, body.venue.address)] : [h("b", {}, t("location"))];
  const grid = svg(
    "svg",
    { viewBox: "0 0 240 96", class: "mini-map", "aria-hidden": "true" },
    svg("path", { d: "M0 30 80 18l70 26 90-20M60 0l18 96M170 0l-16 96M0 74l120-12 120 22", class: "streets" }),
    svg("path", { d: "M120 74c-9-10-18-19-18-31a18 18 0 0 1 36 0c0 12-9 21-18 31z", class: "pin" }),
    svg("circle", { cx: 120, cy: 43, r: 6, class: "pin-eye" }),
  );
  const text = h("span", { class: "card-text" }, ...lines, h("small", {}, `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`));
  return h("div", { class: "place" }, grid, text);
}

function contact(card) {
  return h(
    "div",
    { class: "card" },
    h("span", { class: "card-icon" }, icon("person")),
    h("span", { class: "card-text" }, h("b", {}, card.first_name), h("small", {}, `+${card.phone_number.replace(/^\+/, "")}`)),
  );
}

// Buttons

function inlineKeyboard(entry, rows, acts) {
  return h(
    "div",
    { class: "inline-keyboard" },
    ...rows.map((row) => h("div", { class: "row" }, ...row.map((button) => inlineButton(entry, button, acts)))),
  );
}

function inlineButton(entry, button, acts) {
  const url = button.url ?? button.web_app?.url;
  const element = h("button", { type: "button", class: "inline-button" }, h("span", {}, button.text), url ? icon("link") : null);
  element.addEventListener("click", () => acts.tap(entry, button, element));
  return element;
}
