// One phone: the chat of one person with the bot.

import { attachMenu } from "./attach.js";
import { bubble, prose } from "./bubble.js";
import { arrows, avatar, dismissable, h, icon, iconButton, sync } from "./dom.js";
import { act, get } from "./net.js";
import { day, has, t } from "./words.js";

const ACTION_S = 6;
const SPINNER_S = 15;

export class Phone {
  /**
   * @param app     bot, people, `choose(phone, personId)`
   * @param personId whose phone this is
   */
  constructor(app, personId) {
    this.app = app;
    this.drawn = new Map();
    this.element = h("section", { class: "phone" });
    this.hold(personId);
  }

  get person() {
    return this.app.person(this.personId);
  }

  /** Hand the phone to somebody. */
  hold(personId) {
    this.personId = personId;
    this.messages = [];
    this.keyboard = null;
    this.menu = [];
    this.replyTo = null;
    this.waiting = new Map();
    this.since = null;
    this.drawn.clear();
    this.build();
    return this.reload();
  }

  // What it looks like

  build() {
    const name = this.person.name;
    this.element.setAttribute("aria-label", t("phoneOf", { name }));
    this.status = h("span", { class: "status" }, t("bot"));
    this.log = h("div", { class: "messages", role: "log", "aria-label": t("messagesOf", { name }), tabIndex: 0 });
    this.toastArea = h("div", { class: "toasts", role: "status" });
    this.bottom = h("div", { class: "bottom" });
    sync(this.element, [this.header(), this.log, this.toastArea, this.bottom]);
    this.field = null;
    this.draw();
  }

  header() {
    const menu = iconButton("dots", t("chatMenu"), () => this.openChatMenu(menu), { "aria-haspopup": "menu" });
    return h(
      "header",
      { class: "chat-head" },
      h("img", { class: "bot-face", src: "/page/icon.svg", alt: "" }),
      h("div", { class: "chat-title" }, h("b", {}, this.app.bot.name), this.status),
      this.holder(),
      menu,
    );
  }

  holder() {
    const options = this.app.people.map((person) =>
      h("option", { value: person.person_id, selected: person.person_id === this.personId }, person.name),
    );
    const select = h("select", { "aria-label": t("holder"), title: t("holder"), onchange: () => this.app.choose(this, Number(select.value)) }, ...options);
    return h("label", { class: "holder" }, avatar(this.person.name, this.personId), select);
  }

  draw() {
    this.drawMessages();
    this.drawBottom();
  }

  drawMessages() {
    const near = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 120;
    const nodes = this.messages.length ? this.groups() : [this.welcome()];
    sync(this.log, nodes);
    if (near || this.jump) this.log.scrollTop = this.log.scrollHeight;
    this.jump = false;
  }

  groups() {
    const nodes = [];
    const kept = new Set();
    let label = "";
    for (const entries of together(this.messages)) {
      const today = day(entries[0].body.date);
      if (today !== label) nodes.push(this.cached(`day ${(label = today)}`, kept, () => h("div", { class: "day" }, h("span", {}, today))));
      const key = entries.map((e) => `${e.message_id}.${e.revision}.${e.read}`).join(" ");
      nodes.push(this.cached(key, kept, () => this.drawGroup(entries)));
    }
    for (const key of this.drawn.keys()) if (!kept.has(key)) this.drawn.delete(key);
    return nodes;
  }

  cached(key, kept, make) {
    kept.add(key);
    if (!this.drawn.has(key)) this.drawn.set(key, make());
    return this.drawn.get(key);
  }

  drawGroup(entries) {
    const node = bubble(entries, this);
    const old = this.log.querySelector(`[data-id="${entries.at(-1).message_id}"]`);
    if (old?.contains(document.activeElement)) {
      const first = node.querySelector(".inline-button, .more");
      queueMicrotask(() => (node.isConnected ? first?.focus({ preventScroll: true }) : null));
    }
    for (const image of node.querySelectorAll("img"))
      image.addEventListener("load", () => this.settle(), { once: true });
    return node;
  }

  settle() {
    if (this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 420) this.log.scrollTop = this.log.scrollHeight;
  }

  welcome() {
    const { description } = this.app.bot;
    return h(
      "div",
      { class: "welcome" },
      h("img", { src: "/page/icon.svg", alt: "" }),
      h("b", {}, t("about")),
      prose(description || t("aboutNone"), [], this),
    );
  }

  drawBottom() {
    const { started, blocked } = this.person;
    if (blocked) sync(this.bottom, [this.wideButton("unblock", () => this.attempt(() => this.do("unblock")))]);
    else if (!started) sync(this.bottom, [this.wideButton("start", () => this.pressStart())]);
    else sync(this.bottom, [...(this.replyTo ? [this.replyBar()] : []), this.composer(), ...this.botKeyboard()]);
  }

  wideButton(key, onclick) {
    this.field = null;
    return h("button", { type: "button", class: "wide-button", onclick }, t(key));
  }

  composer() {
    if (this.form && this.field && this.form.dataset.owner === String(this.personId)) {
      this.commands.hidden = !this.menu.length;
      this.field.placeholder = this.keyboard?.input_field_placeholder ?? t("message");
      return this.form;
    }
    this.field = h("textarea", { rows: 1, placeholder: t("message"), "aria-label": t("message"), oninput: () => this.edited(), onkeydown: (event) => this.keyed(event) });
    this.commands = h("button", { type: "button", class: "menu-button", hidden: !this.menu.length, "aria-haspopup": "menu", "aria-expanded": "false", onclick: () => this.openCommands("") }, icon("menu"), t("menu"));
    this.clip = iconButton("clip", t("attach"), () => this.openAttachments(), { "aria-haspopup": "dialog", "aria-expanded": "false" });
    this.sendButton = iconButton("send", t("send"), () => this.send(), { class: "send", hidden: true });
    this.voice = iconButton("mic", t("voice"), () => this.attempt(() => this.do("voice")));
    this.sticker = iconButton("smile", t("sticker"), () => this.attempt(() => this.do("sticker")));
    this.form = h("div", { class: "composer" }, this.commands, this.clip, this.field, this.sticker, this.voice, this.sendButton);
    this.form.dataset.owner = this.personId;
    return this.form;
  }

  botKeyboard() {
    const rows = this.keyboard?.keyboard;
    if (!rows) return [];
    const press = (button) => () => this.pressKey(button);
    const drawn = rows.map((row) => h("div", { class: "row" }, ...row.map((button) => h("button", { type: "button", onclick: press(button) }, button.text))));
    return [arrows(h("div", { class: "reply-keyboard", role: "group", "aria-label": t("keyboard") }, ...drawn), "button")];
  }

  replyBar() {
    const body = this.replyTo.body;
    const words = body.text ?? body.caption ?? t("photo");
    return h("div", { class: "reply-bar" }, icon("reply"), h("span", {}, `${t("replyTo")}: ${words}`), iconButton("close", t("cancel"), () => this.answerTo(null)));
  }

  // What happens to it

  async reload() {
    const personId = this.personId;
    const since = (this.since = []);
    const view = await get(`persons/${personId}/chat`);
    if (since !== this.since || personId !== this.personId) return;
    this.messages = view.messages;
    this.keyboard = view.keyboard;
    this.menu = view.menu;
    this.app.update(view.person);
    // what happened while the answer was on its way may be newer than the answer
    for (const event of since) this.apply(event);
    this.since = null;
    this.jump = true;
    this.draw();
    this.markRead();
  }

  receive(event) {
    this.since?.push(event);
    this.apply(event);
    if (event.type === "action") this.showAction(event.action);
    if (event.type === "answered") this.stopWaiting(event.query_id);
    if (event.type === "toast") this.showToast(event);
    if (event.type === "message" && event.message.from_bot) this.showAction("");
    if (event.type === "keyboard") this.drawBottom();
    else if (event.message) this.drawMessages();
  }

  apply(event) {
    if (event.type === "message" || event.type === "read") this.put(event.message);
    if (event.type === "delete") this.messages = this.messages.filter((m) => m.message_id !== event.message.message_id);
    if (event.type === "keyboard") this.keyboard = event.keyboard;
  }

  put(entry) {
    if (entry.chat_id !== this.personId) return;
    const at = this.messages.findIndex((m) => m.message_id === entry.message_id);
    if (at >= 0) this.messages[at] = entry;
    else this.messages.push(entry);
    if (at < 0 && entry.own) this.jump = true;
    if (entry.from_bot) this.markRead();
  }

  markRead() {
    clearTimeout(this.reading);
    this.reading = setTimeout(() => act(this.personId, "read").catch(() => {}), 300);
  }

  showAction(action) {
    const key = has(action) ? action : action.startsWith("record") ? "record" : "typing";
    this.status.textContent = action ? t(key) : t("bot");
    this.status.classList.toggle("busy", Boolean(action));
    clearTimeout(this.acting);
    if (action) this.acting = setTimeout(() => this.showAction(""), ACTION_S * 1000);
  }

  showToast({ text, alert, url }) {
    if (url) this.open(url);
    if (!text) return;
    const back = document.activeElement;
    const close = () => {
      toast.remove();
      if (alert && back?.isConnected) back.focus();
    };
    const ok = h("button", { type: "button", class: "primary", onclick: close }, t("ok"));
    const toast = h("div", { class: alert ? "alert" : "toast", role: alert ? "alertdialog" : null, "aria-label": alert ? text : null }, h("p", {}, text), alert ? ok : null);
    toast.addEventListener("keydown", (event) => event.key === "Escape" && close());
    this.toastArea.append(toast);
    if (alert) ok.focus();
    else setTimeout(close, 4000);
  }

  stopWaiting(queryId) {
    this.waiting.get(queryId)?.classList.remove("waiting");
    this.waiting.delete(queryId);
  }

  // What its holder does

  do(name, body) {
    return act(this.personId, name, body);
  }

  async attempt(doing) {
    try {
      return await doing();
    } catch (error) {
      this.showToast({ text: t("failed", { reason: error.message }), alert: false });
      return null;
    }
  }

  async pressStart() {
    this.app.begun();
    await this.attempt(() => this.do("start", { payload: this.person.member?.start_payload ?? "" }));
    await this.reload();
    this.field?.focus();
  }

  edited() {
    const text = this.field.value;
    this.field.rows = Math.min(6, text.split("\n").length);
    const empty = !text.trim();
    this.sendButton.hidden = empty;
    this.voice.hidden = this.sticker.hidden = !empty;
    if (/^\/\w*$/.test(text) && this.menu.length) this.openCommands(text.slice(1));
    else this.closePopup?.(false);
  }

  keyed(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.send();
    }
    if (event.key === "ArrowUp" && this.popup?.classList.contains("commands")) {
      event.preventDefault();
      this.popup.querySelector("button:last-child")?.focus();
    }
    if (event.key === "Escape" && this.replyTo) this.answerTo(null);
  }

  async send() {
    const text = this.field.value;
    if (!text.trim()) return;
    const body = { text, reply_to: this.replyTo?.message_id ?? 0 };
    this.field.value = "";
    this.edited();
    this.answerTo(null);
    const sent = await this.attempt(() => this.do("text", body));
    if (!sent) this.field.value = text;
    this.field.focus();
  }

  answerTo(entry) {
    this.replyTo = entry;
    this.drawBottom();
    this.field?.focus();
  }

  command(text) {
    this.attempt(() => this.do("text", { text }));
  }

  pressKey(button) {
    if (button.web_app) return void window.open(button.web_app.url, "_blank", "noopener");
    this.attempt(() => this.do("press", { label: button.text }));
  }

  async tap(entry, button, element) {
    const url = button.url ?? button.web_app?.url;
    if (url) {
      if (!this.open(url)) window.open(url, "_blank", "noopener");
      return;
    }
    if (button.copy_text) return void navigator.clipboard?.writeText(button.copy_text.text);
    element.classList.add("waiting");
    const body = { message_id: entry.message_id, data: button.callback_data };
    const answer = await this.attempt(() => this.do("tap", body));
    const queryId = answer?.result[0];
    if (queryId) this.waiting.set(queryId, element);
    setTimeout(() => this.stopWaiting(queryId), SPINNER_S * 1000);
    if (!queryId) element.classList.remove("waiting");
  }

  /** Deep links to the bot stay inside the page; says whether this was one. */
  open(address) {
    const link = address.match(/^https?:\/\/(?:t|telegram)\.me\/(\w+)\/?(?:\?(.*))?$/i);
    const scheme = address.match(/^tg:\/\/resolve\?(.*)$/i);
    const query = new URLSearchParams(link?.[2] ?? scheme?.[1] ?? "");
    const name = link?.[1] ?? query.get("domain") ?? "";
    if (name.toLowerCase() !== this.app.bot.username.toLowerCase()) return false;
    this.attempt(() => this.do("start", { payload: query.get("start") ?? "" }));
    return true;
  }

  // Popups

  /** A popup stands over the messages, and must not reach above them. */
  measureRoom() {
    this.bottom.style.setProperty("--room", `${this.log.clientHeight - 16}px`);
  }

  showPopup(popup, opener) {
    this.closePopup?.(false);
    this.measureRoom();
    this.popup = popup;
    this.bottom.append(popup);
    opener.setAttribute("aria-expanded", "true");
    this.closePopup = dismissable(popup, opener, () => {
      popup.remove();
      opener.setAttribute("aria-expanded", "false");
      this.popup = this.closePopup = null;
    });
  }

  openCommands(prefix) {
    const toggled = this.popup?.classList.contains("commands") && !prefix && document.activeElement === this.commands;
    if (toggled) return void this.closePopup(true);
    const chosen = this.menu.filter((each) => each.command.startsWith(prefix));
    if (!chosen.length) return void this.closePopup?.(false);
    const choose = (command) => () => {
      this.closePopup(false);
      this.field.value = "";
      this.edited();
      this.attempt(() => this.do("command", { command }));
      this.field.focus();
    };
    const items = chosen.map(({ command, description }) =>
      h("button", { type: "button", role: "menuitem", onclick: choose(command) }, h("b", {}, `/${command}`), h("span", {}, description)),
    );
    this.showPopup(arrows(h("div", { class: "popup commands", role: "menu", "aria-label": t("menu") }, ...items), "button"), this.commands);
    if (document.activeElement === this.commands) items[0].focus();
  }

  openAttachments() {
    if (this.bottom.querySelector(".attach")) return void this.closeAttachments(true);
    this.closePopup?.(false);
    this.measureRoom();
    this.closeAttachments = attachMenu(this.personId, this.clip, this.bottom, (doing) => this.attempt(doing), this.app.streams);
  }

  openMenu(opener, items, className) {
    const buttons = items.map(([iconName, label, doing]) =>
      h("button", { type: "button", role: "menuitem", onclick: () => { this.closePopup?.(true); doing(); } }, icon(iconName), h("span", {}, label)),
    );
    const popup = arrows(h("div", { class: `popup ${className}`, role: "menu" }, ...buttons), "button");
    this.showPopup(popup, opener);
    (className === "bubble-menu" ? opener.closest(".message") : opener.parentElement).append(popup);
    buttons[0].focus({ preventScroll: className !== "bubble-menu" });
    if (className === "bubble-menu") popup.scrollIntoView({ block: "nearest" });
  }

  /** The menu of one message. */
  menuOf(entry) {
    const items = [];
    if (!this.person.blocked) items.push(["reply", t("reply"), () => this.answerTo(entry)]);
    if (!entry.body.has_protected_content && !this.person.blocked)
      items.push(["forward", t("forward"), () => this.attempt(() => this.do("forward", { message_id: entry.message_id }))]);
    items.push(["trash", t("remove"), () => this.attempt(() => this.do("delete", { message_id: entry.message_id }))]);
    return items;
  }

  openMessageMenu(entry, opener) {
    this.openMenu(opener, this.menuOf(entry), "bubble-menu");
  }

  openChatMenu(opener) {
    const { blocked, language_code: code } = this.person;
    const other = code === "en" ? "id" : "en";
    this.openMenu(
      opener,
      [
        ["globe", t("appLanguage", { name: t(`languageName_${other}`) }), () => this.attempt(() => this.do("language", { language_code: other }))],
        ["block", t(blocked ? "unblock" : "block"), () => this.attempt(() => this.do(blocked ? "unblock" : "block"))],
      ],
      "chat-menu",
    );
  }
}

/** Neighbours of one album belong together. */
function together(messages) {
  const groups = [];
  for (const entry of messages) {
    const group = entry.body.media_group_id;
    const last = groups.at(-1);
    if (group && last && last[0].body.media_group_id === group) last.push(entry);
    else groups.push([entry]);
  }
  return groups;
}
