// Small tools for building the page: elements, icons, keyboard movement, popups.

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  send: "M3 11.5 20.5 4 13 21.5l-2.2-7.3z",
  clip: "M8 12.5 14.6 6a3 3 0 0 1 4.3 4.3l-8.6 8.5a5 5 0 0 1-7-7L11.5 3.5",
  menu: "M4 7h16M4 12h16M4 17h10",
  dots: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  close: "M6 6l12 12M18 6 6 18",
  pin: "M12 21s-7-6.2-7-11.2A7 7 0 0 1 19 9.8C19 14.8 12 21 12 21zM12 12.3a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c.6-4 3.600-6 7.500-6s6.900 2 7.500 6",
  people: "M9 11.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM2.500 19.500c.5-3.500 3-5 6.500-5s6 1.500 6.500 5M16 5.200a3.300 3.300 0 0 1 0 6.100M18 14.800c2 .6 3.200 2.100 3.500 4.700",
  qr: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2.500v2.500H14zM19.500 14v.01M20 17v3h-3",
  photo: "M4 6h16v12H4zM4 15l4.500-4.500L13 15l2.500-2.500L20 16.500M15.500 9.500v.01",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  film: "M4 6h11v12H4zM15 10.500l5-3v9l-5-3",
  smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.500 14c1.800 2.600 5.200 2.600 7 0M9 9.500v.01M15 9.500v.01",
  mic: "M12 3.500a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0v-5a3 3 0 0 1 3-3zM5.500 11.500a6.500 6.500 0 0 0 13 0M12 18v3",
  moon: "M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10z",
  help: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.500 9.500a2.500 2.500 0 1 1 3.500 2.300c-.7.300-1 .8-1 1.700M12 16.800v.01",
  block: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM5.800 5.800l12.400 12.400",
  lock: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
  reply: "M10 8V4L3 11l7 7v-4.200c5 0 8.500 1.700 11 5.200-1-5-4-10-11-11z",
  forward: "M14 8V4l7 7-7 7v-4.200c-5 0-8.500 1.700-11 5.200 1-5 4-10 11-11z",
  trash: "M5 7h14M10 7V4.500h4V7M7 7l1 13h8l1-13",
  globe: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  link: "M8 16 16.500 7.500M10 7h7v7",
};

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "class") element.className = value;
    else if (key in element && !key.startsWith("aria") && key !== "role" && key !== "list")
      element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function svg(tag, props = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(props)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export function icon(name) {
  return svg(
    "svg",
    { viewBox: "0 0 24 24", class: `icon icon-${name}`, "aria-hidden": "true" },
    svg("path", { d: PATHS[name] }),
  );
}

export function iconButton(name, label, onclick, more = {}) {
  const extra = more.class ? ` ${more.class}` : "";
  return h(
    "button",
    { type: "button", title: label, "aria-label": label, onclick, ...more, class: `icon-button${extra}` },
    icon(name),
  );
}

const HUES = [12, 200, 145, 268, 330, 38, 95, 232];

export function avatar(name, id) {
  const element = h("span", { class: "avatar", "aria-hidden": "true" }, name.slice(0, 1));
  element.style.setProperty("--hue", HUES[id % HUES.length]);
  return element;
}

/** Arrow keys, Home and End move the focus among the items of a container. */
export function arrows(container, selector) {
  container.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
    const items = [...container.querySelectorAll(selector)].filter((item) => !item.disabled);
    const at = items.indexOf(document.activeElement);
    if (at < 0) return;
    let next = null;
    if (event.key in steps) next = (at + steps[event.key] + items.length) % items.length;
    if (event.key === "Home") next = 0;
    if (event.key === "End") next = items.length - 1;
    if (next === null) return;
    event.preventDefault();
    items[next].focus();
  });
  return container;
}

/** Make the children of a container what `nodes` says, touching only what differs. */
export function sync(container, nodes) {
  nodes.forEach((node, at) => {
    if (container.children[at] !== node) container.insertBefore(node, container.children[at] ?? null);
  });
  while (container.children.length > nodes.length) container.lastElementChild.remove();
}

/** Close `popup` on Escape, on a click elsewhere, or when the focus leaves it. */
export function dismissable(popup, opener, close) {
  const outside = (event) => {
    if (!popup.contains(event.target) && !opener.contains(event.target)) finish(false);
  };
  const keys = (event) => {
    if (event.key === "Escape") finish(true);
  };
  const finish = (refocus) => {
    document.removeEventListener("pointerdown", outside, true);
    popup.removeEventListener("keydown", keys);
    close();
    if (refocus) opener.focus();
  };
  document.addEventListener("pointerdown", outside, true);
  popup.addEventListener("keydown", keys);
  return finish;
}

export function modal(label, content, className) {
  const dialog = h("dialog", { class: className, "aria-label": label }, content);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
