// How the map looks: our own layers on a plain ground, in the page's colours.

const FONT = ["sans-serif"];

/** The page's colours now, by name; they change with light and dark. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ground", "border", "road", "casing", "main-road", "ink", "halo", "approved", "paused", "waiting", "change_asked", "unwell", "seeing", "hotspot", "missed", "partly", "urgent", "brand", "on-brand"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

const nothing = { type: "FeatureCollection", features: [] };
const main = ["in", ["get", "kind"], ["literal", ["motorway", "primary", "secondary"]]];
const middle = ["in", ["get", "kind"], ["literal", ["tertiary", "motorway_link", "primary_link", "secondary_link"]]];
const width = (small, large) => ["interpolate", ["exponential", 1.6], ["zoom"], 11, small, 18, large];

function byState(c) {
  return ["match", ["get", "state"], "paused", c.paused, "waiting", c.waiting, "change_asked", c.change_asked, c.approved];
}

const geojson = (more = {}) => ({ type: "geojson", data: nothing, ...more });

/** What the officer came for: the cameras on a plain ground. It is all that the first draw waits for. */
export function styleOf(c) {
  return {
    version: 8,
    sources: { cameras: geojson({ cluster: true, clusterMaxZoom: 14, clusterRadius: 46 }) },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": c.ground } },
      { id: "clusters", type: "circle", source: "cameras", filter: ["has", "point_count"], paint: { "circle-color": c.approved, "circle-opacity": 0.88, "circle-radius": ["step", ["get", "point_count"], 13, 20, 17, 100, 22, 1000, 28], "circle-stroke-width": 2, "circle-stroke-color": c.halo } },
      { id: "cameras", type: "circle", source: "cameras", filter: ["!", ["has", "point_count"]], paint: { "circle-color": byState(c), "circle-radius": ["interpolate", ["linear"], ["zoom"], 12, 3.5, 17, 7], "circle-stroke-width": ["case", ["==", ["get", "health"], "unwell"], 3, 1.5], "circle-stroke-color": ["case", ["==", ["get", "health"], "unwell"], c.unwell, c.halo] } },
    ],
  };
}

// what a layer is, by the names that Protomaps, OpenMapTiles and Shortbread give it
const KINDS = {
  land: ["earth", "landcover", "landuse", "park", "land"],
  water: ["water", "ocean", "water_polygons", "waterway"],
  buildings: ["buildings", "building"],
  roads: ["roads", "transportation", "streets"],
};

/** A district's own base map: pictures as they are, vector tiles in the page's colours. */
function tilesUnder(map, c, tiles) {
  const source = { type: tiles.vector ? "vector" : "raster", tiles: [tiles.address], minzoom: tiles.min, maxzoom: tiles.max, attribution: tiles.attribution };
  map.addSource("tiles", tiles.vector ? source : { ...source, tileSize: 256 });
  const first = map.getStyle().layers[1].id;
  if (!tiles.vector) {
    map.addLayer({ id: "tiles", type: "raster", source: "tiles" }, first);
    return;
  }
  const of = (kind) => tiles.layers.filter((layer) => KINDS[kind].includes(layer));
  const add = (layer, id, type, paint) => map.addLayer({ id, type, source: "tiles", "source-layer": layer, ...(type === "fill" ? { filter: ["==", ["geometry-type"], "Polygon"] } : {}), paint }, first);
  for (const layer of of("land")) add(layer, `tiles-${layer}`, "fill", { "fill-color": c.casing, "fill-opacity": 0.25 });
  for (const layer of of("water")) add(layer, `tiles-${layer}`, "fill", { "fill-color": c.border, "fill-opacity": 0.3 });
  for (const layer of of("buildings")) add(layer, `tiles-${layer}`, "fill", { "fill-color": c.casing, "fill-opacity": 0.5 });
  for (const layer of of("roads")) add(layer, `tiles-${layer}`, "line", { "line-color": c.road, "line-width": width(0.6, 12) });
}

/** Everything else: borders, roads and the like under the cameras, words above them. */
export function furnish(map, c, attribution, tiles = null) {
  const sources = {
    areas: geojson({ attribution }),
    names: geojson(),
    roads: geojson({ tolerance: 0.5 }),
    blind: geojson(),
    hotspots: geojson(),
    cones: geojson({ tolerance: 0.1 }),
    seeing: geojson(),
    spot: geojson(),
  };
  for (const [name, source] of Object.entries(sources)) map.addSource(name, source);
  for (const layer of under(c)) map.addLayer(layer, "clusters");
  for (const layer of over(c)) map.addLayer(layer);
  if (!tiles) return;
  tilesUnder(map, c, tiles);
  // it has the roads of its own
  for (const layer of ["small-roads", "middle-roads", "main-roads", "road-names"]) map.setLayoutProperty(layer, "visibility", "none");
}

const under = (c) => [
  { id: "small-roads", type: "line", source: "roads", minzoom: 13, filter: ["!", ["any", main, middle]], layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": c.road, "line-width": width(0.4, 12) } },
  { id: "middle-roads", type: "line", source: "roads", minzoom: 12, filter: middle, layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": c.road, "line-width": width(0.8, 18) } },
  { id: "main-roads", type: "line", source: "roads", filter: main, layout: { "line-cap": "round", "line-join": "round" }, paint: { "line-color": c["main-road"], "line-width": width(1.2, 24) } },
  { id: "borders", type: "line", source: "areas", paint: { "line-color": c.border, "line-width": 1.2, "line-dasharray": [4, 2] } },
  { id: "blind", type: "line", source: "blind", layout: { "line-cap": "round" }, paint: { "line-color": ["match", ["get", "kind"], "urgent", c.urgent, "partly", c.partly, c.missed], "line-width": width(1.2, 7), "line-dasharray": [1.5, 1.5] } },
  { id: "hotspot-areas", type: "fill", source: "hotspots", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": c.hotspot, "fill-opacity": 0.14 } },
  { id: "hotspot-edges", type: "line", source: "hotspots", filter: ["==", ["geometry-type"], "Polygon"], paint: { "line-color": c.hotspot, "line-width": 1.5 } },
  { id: "cones", type: "fill", source: "cones", minzoom: 14, paint: { "fill-color": byState(c), "fill-opacity": 0.16 } },
  { id: "cone-edges", type: "line", source: "cones", minzoom: 15, paint: { "line-color": byState(c), "line-width": 1, "line-opacity": 0.6 } },
  { id: "seeing", type: "fill", source: "seeing", paint: { "fill-color": c.seeing, "fill-opacity": 0.35 } },
  { id: "seeing-edges", type: "line", source: "seeing", paint: { "line-color": c.seeing, "line-width": 2 } },
];

const over = (c) => [
  { id: "spot", type: "circle", source: "spot", paint: { "circle-radius": 7, "circle-color": c.hotspot, "circle-stroke-width": 2, "circle-stroke-color": c.halo } },
  { id: "road-names", type: "symbol", source: "roads", minzoom: 15, layout: { "symbol-placement": "line", "text-field": ["get", "name"], "text-font": FONT, "text-size": 12 }, paint: { "text-color": c.ink, "text-halo-color": c.halo, "text-halo-width": 1.5 } },
  { id: "area-names", type: "symbol", source: "names", minzoom: 11.5, maxzoom: 16, layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": 12.5 }, paint: { "text-color": c.ink, "text-halo-color": c.halo, "text-halo-width": 1.6 } },
  { id: "hotspot-names", type: "symbol", source: "hotspots", filter: ["==", ["geometry-type"], "Point"], layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 12.5, "text-offset": [0, 0.2] }, paint: { "text-color": c.hotspot, "text-halo-color": c.halo, "text-halo-width": 1.8 } },
  { id: "counts", type: "symbol", source: "cameras", filter: ["has", "point_count"], layout: { "text-field": ["get", "point_count_abbreviated"], "text-font": FONT, "text-size": 13, "text-allow-overlap": true }, paint: { "text-color": c.halo } },
  { id: "numbers", type: "symbol", source: "cameras", minzoom: 17, filter: ["!", ["has", "point_count"]], layout: { "text-field": ["concat", "K-", ["to-string", ["get", "number"]]], "text-font": FONT, "text-size": 11.5, "text-offset": [0, 1.2] }, paint: { "text-color": c.ink, "text-halo-color": c.halo, "text-halo-width": 1.5 } },
];
