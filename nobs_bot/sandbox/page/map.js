// Sending a location: a small map of the district, without tiles.

import { arrows, h, iconButton, modal, svg } from "./dom.js";
import { t } from "./words.js";

const SPOTS = [
  { key: "spot_sari", lat: -6.1592, lon: 106.8048, address: "Jl. Duri Selatan, Tambora" },
  { key: "spot_budi", lat: -6.1583, lon: 106.8041, address: "Jl. Duri Selatan, Tambora" },
  { key: "spot_grogol", lat: -6.1774, lon: 106.7907, address: "Grogol Petamburan" },
  { key: "spot_cengkareng", lat: -6.1487, lon: 106.732, address: "Cengkareng" },
  { key: "spot_monas", lat: -6.1754, lon: 106.8272, address: "Gambir, Jakarta Pusat" },
];
const FRAME = { west: 106.68, east: 106.838, south: -6.232, north: -6.09 };
const WIDTH = 460;
const HEIGHT = (WIDTH * (FRAME.north - FRAME.south)) / (FRAME.east - FRAME.west);
const STEP = 0.0005;

let areas = null;

async function districts() {
  if (!areas) areas = (await (await fetch("/page/area.geojson")).json()).features;
  return areas;
}

const toX = (lon) => ((lon - FRAME.west) / (FRAME.east - FRAME.west)) * WIDTH;
const toY = (lat) => ((FRAME.north - lat) / (FRAME.north - FRAME.south)) * HEIGHT;

function ringsOf(geometry) {
  return geometry.type === "Polygon" ? geometry.coordinates : geometry.coordinates.flat();
}

function contains(rings, lon, lat) {
  let inside = false;
  for (const ring of rings)
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [x1, y1] = ring[i];
      const [x2, y2] = ring[j];
      if (y1 > lat !== y2 > lat && lon < ((x2 - x1) * (lat - y1)) / (y2 - y1) + x1) inside = !inside;
    }
  return inside;
}

function centre(rings) {
  const xs = rings[0].map(([x]) => toX(x));
  const ys = rings[0].map(([, y]) => toY(y));
  return [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
}

/** Opens the map; resolves to {latitude, longitude, title?, address?}, or null. */
export async function chooseLocation() {
  const features = await districts();
  return new Promise((resolve) => new Map_(features, resolve));
}

class Map_ {
  constructor(features, resolve) {
    this.features = features;
    this.resolve = resolve;
    this.zoom = 1;
    this.spot = SPOTS[0];
    this.lat = SPOTS[0].lat;
    this.lon = SPOTS[0].lon;
    this.dialog = modal(t("locationTitle"), this.content(), "sheet map-sheet");
    this.dialog.addEventListener("close", () => resolve(this.answer ?? null));
    this.show();
    this.canvas.focus();
  }

  content() {
    this.pin = svg(
      "g",
      { class: "pin" },
      svg("path", { d: "M0 0c-6-7-12-13-12-21a12 12 0 0 1 24 0c0 8-6 14-12 21z" }),
      svg("circle", { cx: 0, cy: -21, r: 4.5 }),
    );
    this.canvas = this.drawing();
    this.field = h("input", { type: "text", class: "coordinates", inputMode: "text", onchange: () => this.typed() });
    this.field.addEventListener("keydown", (event) => event.key === "Enter" && this.typed());
    this.note = h("p", { class: "note", role: "status" });
    this.venue = h("button", { type: "button", class: "quiet", onclick: () => this.finish(true) }, t("sendVenue"));
    const send = h("button", { type: "button", class: "primary", onclick: () => this.finish(false) }, t("sendLocation"));
    this.spotButtons = SPOTS.map((spot) => h("button", { type: "button", onclick: () => this.choose(spot) }, t(spot.key)));
    return h(
      "div",
      { class: "sheet-body" },
      h("header", {}, h("h2", {}, t("locationTitle")), iconButton("close", t("close"), () => this.dialog.close())),
      h(
        "div",
        { class: "map-frame" },
        this.canvas,
        h("div", { class: "zoom" }, iconButton("plus", t("zoomIn"), () => this.scale(2)), iconButton("minus", t("zoomOut"), () => this.scale(0.5))),
      ),
      this.note,
      h("h3", {}, t("spots")),
      arrows(h("div", { class: "spots" }, ...this.spotButtons), "button"),
      h("label", {}, h("span", {}, t("coordinates")), this.field),
      h("footer", {}, this.venue, send),
      h("small", { class: "source" }, t("mapSource")),
    );
  }

  drawing() {
    const shapes = this.features.map(({ geometry }) =>
      svg("path", { d: ringsOf(geometry).map((ring) => `M${ring.map(([x, y]) => `${toX(x).toFixed(1)} ${toY(y).toFixed(1)}`).join("L")}Z`).join("") }),
    );
    this.labels = this.features.map(({ properties, geometry }) => {
      const [x, y] = centre(ringsOf(geometry));
      const words = properties.name.split(" ");
      const lines = words.map((word, at) => {
        const span = svg("tspan", { x, dy: at ? "1.1em" : `${-0.5 * (words.length - 1)}em` });
        span.textContent = word;
        return span;
      });
      return svg("text", { x, y }, ...lines);
    });
    const canvas = svg("svg", { class: "map", tabindex: "0", role: "application", "aria-label": t("mapLabel") }, svg("g", { class: "areas" }, ...shapes), svg("g", { class: "labels" }, ...this.labels), this.pin);
    canvas.addEventListener("click", (event) => this.tapped(event));
    canvas.addEventListener("keydown", (event) => this.pushed(event));
    return canvas;
  }

  tapped(event) {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.canvas.getScreenCTM().inverse());
    const lon = FRAME.west + (point.x / WIDTH) * (FRAME.east - FRAME.west);
    this.move(FRAME.north - (point.y / HEIGHT) * (FRAME.north - FRAME.south), lon);
  }

  pushed(event) {
    const steps = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (event.key === "Enter") this.finish(false);
    if (!steps) return;
    event.preventDefault();
    const size = event.shiftKey ? STEP * 10 : STEP;
    this.move(this.lat + steps[0] * size, this.lon + steps[1] * size);
  }

  typed() {
    const match = this.field.value.match(/^\s*(-?\d+(?:[.]\d+)?)\s*[,; ]\s*(-?\d+(?:[.]\d+)?)\s*$/);
    const [lat, lon] = match ? [Number(match[1]), Number(match[2])] : [NaN, NaN];
    if (!(Math.abs(lat) <= 90 && Math.abs(lon) <= 180)) {
      this.field.setAttribute("aria-invalid", "true");
      this.note.textContent = t("badCoordinates");
      return false;
    }
    if (lat.toFixed(5) !== this.lat.toFixed(5) || lon.toFixed(5) !== this.lon.toFixed(5)) this.move(lat, lon);
    return true;
  }

  move(lat, lon) {
    this.spot = null;
    this.lat = lat;
    this.lon = lon;
    this.show();
  }

  choose(spot) {
    this.spot = spot;
    this.lat = spot.lat;
    this.lon = spot.lon;
    this.show();
  }

  scale(factor) {
    this.zoom = Math.min(16, Math.max(1, this.zoom * factor));
    this.show();
  }

  show() {
    const [x, y] = [toX(this.lon), toY(this.lat)];
    const [w, high] = [WIDTH / this.zoom, HEIGHT / this.zoom];
    const left = this.zoom === 1 ? 0 : x - w / 2;
    const top = this.zoom === 1 ? 0 : y - high / 2;
    this.canvas.setAttribute("viewBox", `${left} ${top} ${w} ${high}`);
    this.pin.setAttribute("transform", `translate(${x} ${y}) scale(${1 / this.zoom})`);
    for (const label of this.labels) label.setAttribute("font-size", 11 / this.zoom);
    this.field.value = `${this.lat.toFixed(5)}, ${this.lon.toFixed(5)}`;
    this.field.removeAttribute("aria-invalid");
    const area = this.features.find(({ geometry }) => contains(ringsOf(geometry), this.lon, this.lat));
    this.note.textContent = area ? t("inside", { name: area.properties.name }) : t("outside");
    this.note.classList.toggle("outside", !area);
    this.venue.disabled = !this.spot;
    this.spotButtons.forEach((button, at) => button.setAttribute("aria-pressed", String(SPOTS[at] === this.spot)));
  }

  finish(asVenue) {
    if (!this.typed()) return;
    this.answer = { latitude: this.lat, longitude: this.lon };
    if (asVenue && this.spot) {
      this.answer.title = t(this.spot.key).split(",")[0];
      this.answer.address = this.spot.address;
    }
    this.dialog.close();
  }
}
