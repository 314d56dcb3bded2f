// The page: the cast, and one to three phones beside each other.

import { Phone } from "./phone.js";
import { arrows, avatar, h, icon, iconButton, sync } from "./dom.js";
import { get, listen } from "./net.js";
import { currentLanguage, switchLanguage, t } from "./words.js";

const NARROW = matchMedia("(max-width: 899px)");
const THEMES = ["auto", "dark", "light"];

class App {
  constructor() {
    this.bot = { name: "No Blindspot", username: "", description: "" };
    this.people = [];
    this.phones = [];
    this.wanted = JSON.parse(localStorage.getItem("columns") ?? "[]");
    this.count = Number(localStorage.getItem("count")) || (innerWidth >= 1280 ? 3 : 2);
    this.focused = 0;
    this.theme(localStorage.getItem("theme") ?? "auto");
    document.documentElement.lang = currentLanguage();
  }

  async open() {
    await this.refresh();
    this.build();
    NARROW.addEventListener("change", () => this.build());
    listen(
      (event) => this.receive(event),
      () => this.connected(),
      () => this.offline.classList.add("shown"),
    );
  }

  person(personId) {
    return this.people.find((each) => each.person_id === personId);
  }

  update(person) {
    const known = this.person(person.person_id);
    Object.assign(known, person, { member: known.member });
  }

  async refresh() {
    const { bot, cast, streams } = await get(`cast?language=${currentLanguage()}`);
    this.bot = bot;
    this.people = cast;
    this.streams = streams;
  }

  // Building

  build() {
    this.castList = arrows(h("div", { class: "cast-list", role: "group", "aria-label": t("castHint") }), ".member");
    this.columns = h("main", { class: "columns" });
    this.offline = h("p", { class: "offline", role: "status" }, t("offline"));
    this.hint = h("div", { class: "hint-place" });
    const side = h("aside", { class: "side" }, this.bar(), this.hint, h("h2", { class: "side-title" }, t("cast")), this.castList);
    sync(document.getElementById("app"), [side, this.columns, this.offline]);
    this.drawHint(localStorage.getItem("hint") !== "closed");
    this.fill();
    this.drawCast();
  }

  bar() {
    const language = h("button", { type: "button", class: "pill", "aria-label": t("languageLabel"), onclick: () => this.language() }, t("language"));
    const count = h(
      "div",
      { class: "count", role: "group", "aria-label": t("columns") },
      ...[1, 2, 3].map((n) => h("button", { type: "button", "aria-pressed": String(n === this.count), onclick: () => this.show(n) }, String(n))),
    );
    return h(
      "header",
      { class: "bar" },
      h("img", { src: "/page/icon.svg", alt: "" }),
      h("h1", {}, t("title"), h("small", {}, t("subtitle"))),
      h(
        "div",
        { class: "tools" },
        language,
        count,
        iconButton("moon", t("theme"), () => this.nextTheme()),
        iconButton("help", t("hintShow"), () => this.drawHint(!this.hint.children.length)),
      ),
    );
  }

  drawHint(shown) {
    localStorage.setItem("hint", shown ? "open" : "closed");
    const close = h("button", { type: "button", class: "quiet", onclick: () => this.drawHint(false) }, t("hintClose"));
    const lines = ["hint1", "hint2", "hint3"].map((key) => h("li", {}, t(key)));
    const panel = h("section", { class: "hint", "aria-label": t("hintTitle") }, h("h2", {}, t("hintTitle")), h("ol", {}, ...lines), close);
    sync(this.hint, shown ? [panel] : []);
  }

  /** Whoever has pressed Start knows what to do, and a narrow screen has no room for both. */
  begun() {
    if (NARROW.matches) this.drawHint(false);
  }

  fill() {
    const count = NARROW.matches ? 1 : this.count;
    const ids = this.people.map((each) => each.person_id);
    const first = [0, 3, 2, 4, 1, 5, 6].map((at) => ids[at]).filter(Boolean);
    const rest = [...first, ...ids];
    const chosen = [];
    for (let at = 0; at < count; at++) {
      const wish = this.wanted[at];
      const free = rest.find((id) => !chosen.includes(id) && !this.wanted.slice(0, count).includes(id));
      chosen.push(ids.includes(wish) && !chosen.includes(wish) ? wish : (free ?? rest.find((id) => !chosen.includes(id))));
    }
    this.phones = chosen.filter(Boolean).map((id) => new Phone(this, id));
    this.phones.forEach((phone, at) => phone.element.addEventListener("focusin", () => this.focusOn(at)));
    this.columns.dataset.count = this.phones.length;
    sync(this.columns, this.phones.map((phone) => phone.element));
    this.focusOn(Math.min(this.focused, this.phones.length - 1));
  }

  focusOn(at) {
    this.focused = Math.max(0, at);
    this.phones.forEach((phone, index) => phone.element.classList.toggle("focused", index === this.focused && this.phones.length > 1));
  }

  drawCast() {
    const nodes = this.people.map((person) => this.member(person));
    const at = [...this.castList.children].indexOf(document.activeElement);
    sync(this.castList, nodes);
    if (at >= 0) nodes[at]?.focus();
  }

  member(person) {
    const about = person.member?.[currentLanguage() === "id" ? "about_id" : "about_en"] ?? "";
    const shown = this.phones.some((phone) => phone.personId === person.person_id);
    const unread = !shown && person.unread > 0;
    const badge = unread ? h("span", { class: "badge", "aria-label": t("unread", { count: person.unread }) }, String(person.unread)) : null;
    return h(
      "button",
      { type: "button", class: "member", "aria-pressed": String(shown), onclick: () => this.choose(this.phones[this.focused], person.person_id) },
      avatar(person.name, person.person_id),
      h("span", { class: "member-text" }, h("b", {}, person.name), h("small", {}, about)),
      badge,
    );
  }

  // Changing

  choose(phone, personId) {
    const other = this.phones.find((each) => each.personId === personId);
    if (other && other !== phone) {
      this.focusOn(this.phones.indexOf(other));
      phone.build();
      (other.field ?? other.element.querySelector(".wide-button"))?.focus();
      return;
    }
    if (!other) phone.hold(personId);
    this.wanted = this.phones.map((each) => each.personId);
    localStorage.setItem("columns", JSON.stringify(this.wanted));
    this.drawCast();
  }

  show(count) {
    this.count = count;
    localStorage.setItem("count", count);
    this.build();
  }

  async language() {
    switchLanguage();
    await this.refresh();
    this.build();
    document.querySelector(".pill").focus();
  }

  nextTheme() {
    const next = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
    localStorage.setItem("theme", next);
    this.theme(next);
  }

  theme(name) {
    document.documentElement.dataset.theme = name;
  }

  // Events

  async connected() {
    this.offline.classList.remove("shown");
    await this.refresh();
    await Promise.all(this.phones.map((phone) => phone.reload()));
    this.drawCast();
  }

  receive(event) {
    const phone = this.phones.find((each) => each.personId === event.person_id);
    phone?.receive(event);
    if (["person", "menu", "message", "delete"].includes(event.type)) this.soon(phone, event.type);
  }

  soon(phone, type) {
    if (type === "menu" || type === "person") this.stale = true;
    clearTimeout(this.pending);
    this.pending = setTimeout(() => this.catchUp(), 150);
  }

  async catchUp() {
    const before = this.people.length;
    const started = this.phones.map((phone) => phone.person.started);
    const name = this.bot.name;
    await this.refresh();
    if (this.people.length !== before || this.bot.name !== name) this.phones.forEach((phone) => phone.build());
    const woke = this.phones.filter((phone, at) => this.stale || phone.person.started !== started[at]);
    this.stale = false;
    await Promise.all(woke.map((phone) => phone.reload()));
    this.drawCast();
  }
}

new App().open();
