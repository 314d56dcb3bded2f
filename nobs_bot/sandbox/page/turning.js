// A test camera that can be turned: what it sees, where it looks, and a button for each side.

import { h } from "./dom.js";
import { get, post } from "./net.js";
import { t } from "./words.js";

const STEP_DEG = 15;

/** A row for each camera; stays empty where none can be turned. */
export function turningRows(attempt) {
  const rows = h("div", { class: "turning" });
  attempt(async () => {
    const { headings } = await get("cameras");
    rows.append(...Object.entries(headings).map(([key, heading]) => row(key, heading, attempt)));
  });
  return rows;
}

function row(key, heading, attempt) {
  const picture = h("img", { alt: t("turnPicture"), src: source(key, heading) });
  const said = h("span", { role: "status" }, words(heading));
  const left = button("turnLeft", -STEP_DEG);
  const right = button("turnRight", STEP_DEG);
  const made = h("div", { class: "turn" }, picture, h("div", {}, said, h("div", { class: "turn-buttons" }, left, right)));
  return made;

  function button(label, by) {
    return h("button", { type: "button", onclick: () => attempt(() => turn(by)) }, t(label, { degrees: STEP_DEG }));
  }

  // not disabled meanwhile: that would take the focus, and with it Escape, away from the menu
  async function turn(by) {
    if (made.getAttribute("aria-busy") === "true") return;
    made.setAttribute("aria-busy", "true");
    try {
      const answer = await post("cameras", { key, heading_deg: (heading + by + 360) % 360 });
      heading = answer.heading_deg;
      picture.src = source(key, heading);
      said.textContent = words(heading);
    } finally {
      made.setAttribute("aria-busy", "false");
    }
  }
}

function words(heading) {
  return t("turnHeading", { degrees: heading });
}

function source(key, heading) {
  return `/sim/cameras/${key}?${heading}`;
}
