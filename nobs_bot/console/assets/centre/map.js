// The map's page: draws, filters, searches, and keeps itself up to date.
import { call } from "./centre.js";
import { Cameras, circle, cones, fromSteps } from "./cameras.js";
import { colours, furnish, styleOf } from "./style.js";

const room = document.querySelector("main");
const words = JSON.parse(room.dataset.words);
const root = document.body.dataset.root;
const told = document.getElementById("map-told");
const live = document.getElementById("live");
const panel = document.getElementById("panel");
const filters = document.getElementById("filters");
const list = document.getElementById("list");
const tiles = room.dataset.tiles ? { ...JSON.parse(room.dataset.tiles), address: `${location.origin}${root}/peta/ubin/{z}/{x}/{y}` } : null;
const PER_DEGREE = 100_000;
const CONES_FROM_ZOOM = 14;
const MOST_CONES = 3000;
const MOST_LISTED = 40;
const REDRAW_MS = 400;
const SOURCE = "© OpenStreetMap contributors · BPS";
const number = new Intl.NumberFormat(words.language === "id" ? "id-ID" : "en-GB");

const cameras = new Cameras();
let edition = "";
let map = null;
let seeing = [];
let hotspots = null;
let blind = null;
let base = null;
let roads = null;

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const collection = (features) => ({ type: "FeatureCollection", features });

async function get(path) {
  const answer = await fetch(`${root}/${path}`, { credentials: "same-origin" });
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.json();
}

// drawing

function drawCameras() {
  map.getSource("cameras").setData(cameras.points());
  drawCones();
}

function drawCones() {
  const bounds = map.getBounds();
  const box = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
  const near = cameras.within(box);
  const isClose = map.getZoom() >= CONES_FROM_ZOOM && near.length <= MOST_CONES;
  map.getSource("cones").setData(isClose ? cones(near) : collection([]));
  listNear(near);
  const all = cameras.byNumber.size;
  told.textContent = fill(words.of, { count: number.format(near.length), all: number.format(all) });
}

function listNear(near) {
  const note = document.getElementById("list-note");
  note.textContent = near.length > MOST_LISTED ? words.closer : near.length ? "" : words.nothing_here;
  list.replaceChildren(...near.slice(0, MOST_LISTED).map((camera) => choice(`K-${camera.number}`, () => open(camera.number))));
}

function choice(label, act) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.addEventListener("click", act);
  item.append(button);
  return item;
}

function drawBase({ areas }) {
  const polygons = areas.map((area) => ({
    type: "Feature",
    properties: { name: area.name },
    geometry: { type: "MultiPolygon", coordinates: area.rings.map((ring) => [fromSteps(ring, PER_DEGREE)]) },
  }));
  const names = areas.map((area) => ({ type: "Feature", properties: { name: area.name }, geometry: { type: "Point", coordinates: area.at } }));
  map.getSource("areas").setData(collection(polygons));
  map.getSource("names").setData(collection(names));
}

function drawRoads() {
  const lines = roads.map(([kind, name, steps]) => ({ type: "Feature", properties: { kind, name }, geometry: { type: "LineString", coordinates: fromSteps(steps, PER_DEGREE) } }));
  map.getSource("roads").setData(collection(lines));
}

function drawHotspots() {
  const shown = isOn("hotspots") && hotspots ? hotspots : [];
  map.getSource("hotspots").setData(
    collection(
      shown.flatMap((spot) => [
        { type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [circle(...spot.at, spot.radius)] } },
        { type: "Feature", properties: { label: `${spot.name} ${spot.kind}\n${spot.hours}` }, geometry: { type: "Point", coordinates: spot.at } },
      ]),
    ),
  );
}

function drawBlind() {
  const shown = isOn("blind") && blind ? blind.lines : [];
  map.getSource("blind").setData(
    collection(
      shown.map(([kind, ...flat]) => {
        const points = [];
        for (let at = 0; at < flat.length; at += 2) points.push([flat[at] / PER_DEGREE, flat[at + 1] / PER_DEGREE]);
        return { type: "Feature", properties: { kind: blind.kinds[kind] }, geometry: { type: "LineString", coordinates: points } };
      }),
    ),
  );
}

function drawSeeing() {
  map.getSource("seeing").setData(cones(seeing.map((each) => cameras.byNumber.get(each)).filter(Boolean)));
}

function drawAll() {
  if (base) drawBase(base);
  if (roads) drawRoads();
  drawCameras();
  drawHotspots();
  drawBlind();
  drawSeeing();
  showCones();
}

// filters and layers

const isOn = (layer) => new FormData(filters).getAll("layer").includes(layer);

function readFilters() {
  const form = new FormData(filters);
  const states = new Set(form.getAll("state"));
  const healths = new Set(form.getAll("health"));
  const kind = form.get("kind");
  cameras.filter = (camera) => states.has(camera.state) && healths.has(camera.health) && (kind === "" || camera.kind === Number(kind));
}

function showCones() {
  for (const layer of ["cones", "cone-edges"]) map.setLayoutProperty(layer, "visibility", isOn("cones") ? "visible" : "none");
}

async function loadLayers() {
  const note = document.getElementById("layer-note");
  try {
    if (isOn("hotspots") && !hotspots) hotspots = await call("peta/rawan");
    if (isOn("blind") && !blind) {
      note.textContent = words.reckoning;
      blind = await call("peta/butaan");
    }
    const legend = ["missed", "partly", "urgent"].map((kind) => words[kind]).join(" · ");
    note.textContent = isOn("blind") ? `${legend}. ${blind.is_upper_bound ? words.upper_bound : ""}` : "";
  } catch (error) {
    note.textContent = error.message;
  }
}

filters.addEventListener("change", async () => {
  readFilters();
  await loadLayers();
  if (map) drawAll();
});

// one camera, and who sees a place

async function open(wanted) {
  const camera = cameras.byNumber.get(wanted);
  if (camera && map) map.easeTo({ center: [camera.lon, camera.lat], zoom: Math.max(map.getZoom(), 17) });
  await fragment(`kamera/${wanted}?bagian=1`);
}

async function fragment(path, options = {}) {
  const answer = await fetch(`${root}/${path}`, { credentials: "same-origin", ...options });
  if (answer.status === 401) return location.reload();
  panel.innerHTML = await answer.text();
  panel.hidden = false;
  panel.focus({ preventScroll: matchMedia("(min-width: 861px)").matches });
}

panel.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.fragment) return;
  event.preventDefault();
  fragment(form.dataset.fragment, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "X-CSRF-Token": document.body.dataset.csrf } });
});

panel.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) {
    panel.hidden = true;
    seeing = [];
    map.getSource("spot").setData(collection([]));
    drawSeeing();
  }
});

async function whoSees(lngLat) {
  map.getSource("spot").setData(collection([{ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: lngLat.toArray() } }]));
  let answer;
  try {
    answer = await call("peta/tanah", { method: "POST", body: new URLSearchParams({ lat: lngLat.lat, lon: lngLat.lng }) });
  } catch (error) {
    told.textContent = error.message;
    return;
  }
  seeing = answer.cameras;
  drawSeeing();
  const head = document.createElement("h2");
  head.textContent = answer.told;
  const where = document.createElement("p");
  where.className = "quiet";
  where.textContent = answer.where;
  const items = document.createElement("ul");
  items.className = "found";
  items.append(...answer.cameras.map((each) => choice(`K-${each}`, () => open(each))));
  panel.replaceChildren(head, where, items);
  panel.hidden = false;
}

async function clicked(event) {
  const [cluster] = map.queryRenderedFeatures(event.point, { layers: ["clusters"] });
  if (cluster) {
    const zoom = await map.getSource("cameras").getClusterExpansionZoom(cluster.properties.cluster_id);
    map.easeTo({ center: cluster.geometry.coordinates, zoom });
    return;
  }
  const reach = 6;
  const box = [[event.point.x - reach, event.point.y - reach], [event.point.x + reach, event.point.y + reach]];
  const [camera] = map.queryRenderedFeatures(box, { layers: ["cameras"] });
  if (camera) await open(camera.properties.number);
  else await whoSees(event.lngLat);
}

// search

document.getElementById("search").addEventListener("submit", async (event) => {
  event.preventDefault();
  const found = document.getElementById("found");
  try {
    const places = await call(`peta/cari?q=${encodeURIComponent(new FormData(event.target).get("q"))}`);
    if (places.length === 1) go(places[0]);
    const nothing = document.createElement("li");
    nothing.textContent = words.nothing_found;
    found.replaceChildren(...(places.length ? places.map((place) => choice(place.label, () => go(place))) : [nothing]));
  } catch (error) {
    found.textContent = error.message;
  }
});

function go(place) {
  const [lon, lat] = place.at;
  const ring = circle(lon, lat, place.radius);
  const west = Math.min(...ring.map(([x]) => x));
  const east = Math.max(...ring.map(([x]) => x));
  const south = Math.min(...ring.map(([, y]) => y));
  const north = Math.max(...ring.map(([, y]) => y));
  map.fitBounds([west, south, east, north], { padding: 20, maxZoom: 18 });
  if (place.camera) open(place.camera);
}

// keeping up

let redraw = 0;
function drawSoon() {
  clearTimeout(redraw);
  redraw = setTimeout(drawCameras, REDRAW_MS);
}

async function load() {
  const whole = await get("peta/kamera");
  edition = whole.edition;
  cameras.fill(whole.columns);
}

function listen() {
  const source = new EventSource(`${root}/peta/siaran`);
  const say = (text, isCut) => {
    live.hidden = false;
    live.textContent = text;
    live.classList.toggle("cut", isCut);
  };
  source.addEventListener("open", () => say(words.live, false));
  source.addEventListener("error", () => say(words.cut, true));
  const anew = async () => {
    await load();
    drawSoon();
  };
  source.addEventListener("edition", (event) => {
    if (JSON.parse(event.data) !== edition) anew();
  });
  source.addEventListener("anew", anew);
  source.addEventListener("over", () => {
    source.close();
    location.reload();
  });
  source.addEventListener("cameras", (event) => {
    cameras.change(JSON.parse(event.data));
    room.dataset.changes = Number(room.dataset.changes ?? 0) + 1;
    drawSoon();
  });
}

// beginning

async function begin() {
  const loading = Promise.all([get("peta/dasar"), load()]);
  const library = await import(room.dataset.library);
  library.setWorkerUrl(room.dataset.worker);
  const [west, south, east, north] = JSON.parse(room.dataset.bounds);
  map = new library.Map({
    container: "map",
    style: styleOf(colours()),
    bounds: [west, south, east, north],
    fitBoundsOptions: { padding: 24 },
    maxZoom: 20,
    minZoom: 8,
    dragRotate: false,
    pitchWithRotate: false,
    fadeDuration: 0,
    hash: true,
    locale: { "Map.Title": words.title, "NavigationControl.ZoomIn": words.zoom_in, "NavigationControl.ZoomOut": words.zoom_out, "AttributionControl.ToggleAttribution": words.sources },
  });
  map.addControl(new library.NavigationControl({ showCompass: false }));
  map.addControl(new library.ScaleControl({}), "bottom-right");
  map.touchZoomRotate.disableRotation();
  const ready = new Promise((resolve) => map.once("style.load", resolve));
  [[base]] = await Promise.all([loading, ready]);
  readFilters();
  const drawn = firstDraw();
  map.getSource("cameras").setData(cameras.points());
  room.dataset.drawn = String(Math.round(await drawn));
  furnish(map, colours(), SOURCE, tiles);
  drawAll();
  map.on("moveend", drawCones);
  map.on("click", clicked);
  for (const layer of ["clusters", "cameras"]) {
    map.on("mouseenter", layer, () => (map.getCanvas().style.cursor = "pointer"));
    map.on("mouseleave", layer, () => (map.getCanvas().style.cursor = ""));
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    map.once("style.load", () => {
      furnish(map, colours(), SOURCE, tiles);
      drawAll();
    });
    map.setStyle(styleOf(colours()), { diff: false });
  });
  listen();
  roads = await get("peta/jalan");
  drawRoads();
  room.dataset.ready = "1";
}

/** When the cameras first stand on the screen, milliseconds after the page was asked for. */
function firstDraw() {
  return new Promise((resolve) => {
    const loaded = (event) => {
      if (event.sourceId !== "cameras" || !map.isSourceLoaded("cameras")) return;
      map.off("sourcedata", loaded);
      map.once("render", () => resolve(performance.now()));
      map.triggerRepaint();
    };
    map.on("sourcedata", loaded);
  });
}

begin().catch((error) => {
  told.textContent = `${words.no_map} ${error.message}`;
});
