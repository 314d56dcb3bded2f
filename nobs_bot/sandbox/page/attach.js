// The attachments menu of one phone.

import { arrows, dismissable, h, icon } from "./dom.js";
import { act, sampleFile, upload } from "./net.js";
import { chooseLocation } from "./map.js";
import { turningRows } from "./turning.js";
import { t } from "./words.js";

const SAMPLES = ["toko", "kamera", "pandangan", "perekam"];

/**
 * @param personId  who sends
 * @param opener    the button that opened it
 * @param place     where the menu is put
 * @param attempt   runs a sending and reports its failure
 * @param streams   addresses of test cameras by scene
 */
export function attachMenu(personId, opener, place, attempt, streams) {
  const chosen = new Set();
  const send = h("button", { type: "button", class: "primary wide", hidden: true, onclick: () => run(sendSamples) });
  const tiles = SAMPLES.map((name) => tile(name));
  const items = [
    item("photo", "ownPhoto", () => pick("image/*", true, sendPhotos)),
    item("pin", "location", sendLocation),
    item("file", "file", () => pick("", false, ([file]) => upload(personId, "document", [file]))),
    item("film", "sampleVideo", async () => upload(personId, "video", [await sampleFile("klip.mp4", "video/mp4")])),
    item("file", "sampleFile", async () => upload(personId, "document", [await sampleFile("klip.mp4", "video/mp4")])),
    item("film", "video", () => pick("video/*", false, ([file]) => upload(personId, "video", [file]))),
    ...Object.entries(streams).map(([scene, url]) => item("film", `stream_${scene}`, () => act(personId, "text", { text: url }))),
    item("qr", "scan", () => act(personId, "scan")),
    item("person", "contactOwn", () => act(personId, "contact")),
    item("people", "contactOther", () => act(personId, "contact", { phone_number: "+6281255509999", first_name: t("strangerName") })),
    item("forward", "forwardStranger", () => act(personId, "text", { text: t("strangerText"), forwarded_from: t("strangerName") })),
    item("smile", "sticker", () => act(personId, "sticker")),
    item("mic", "voice", () => act(personId, "voice")),
  ];
  const popup = h(
    "div",
    { class: "popup attach", role: "dialog", "aria-label": t("attachTitle") },
    h("p", { class: "popup-title" }, t("samples"), h("small", {}, t("samplesHint"))),
    arrows(h("div", { class: "tiles" }, ...tiles), "button"),
    send,
    arrows(h("div", { class: "items" }, ...items), "button"),
    turningRows(attempt),
  );
  place.append(popup);
  const finish = dismissable(popup, opener, () => {
    popup.remove();
    opener.setAttribute("aria-expanded", "false");
  });
  opener.setAttribute("aria-expanded", "true");
  tiles[0].focus();
  return finish;

  function run(doing) {
    finish(true);
    attempt(doing);
  }

  function item(iconName, key, doing) {
    return h("button", { type: "button", class: "item", onclick: () => run(doing) }, icon(iconName), h("span", {}, t(key)));
  }

  function tile(name) {
    const button = h(
      "button",
      { type: "button", class: "tile", "aria-pressed": "false", title: t(`sample_${name}`), onclick: () => toggle(name, button) },
      h("img", { src: `/page/samples/${name}.jpg`, alt: t(`sample_${name}`) }),
    );
    return button;
  }

  function toggle(name, button) {
    if (!chosen.delete(name)) chosen.add(name);
    button.setAttribute("aria-pressed", String(chosen.has(name)));
    send.hidden = chosen.size === 0;
    send.textContent = chosen.size === 1 ? t("sendOne") : t("sendAlbum", { count: chosen.size });
  }

  async function sendSamples() {
    const names = SAMPLES.filter((name) => chosen.has(name));
    await sendPhotos(await Promise.all(names.map((name) => sampleFile(`${name}.jpg`, "image/jpeg"))));
  }

  async function sendPhotos(files) {
    for (let at = 0; at < files.length; at += 10) {
      const part = files.slice(at, at + 10);
      await upload(personId, part.length > 1 ? "album" : "photo", part);
    }
  }

  async function sendLocation() {
    const place = await chooseLocation();
    opener.focus();
    if (place) await act(personId, place.title ? "venue" : "location", place);
  }

  function pick(accept, multiple, sending) {
    const input = h("input", { type: "file", accept, multiple });
    input.addEventListener("change", () => attempt(() => sending([...input.files])));
    input.click();
  }
}
