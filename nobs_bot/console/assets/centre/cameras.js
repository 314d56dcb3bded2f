// The cameras as the server sends them, in columns, and what is drawn of them.

export const STATES = ["approved", "paused", "waiting", "change_asked", "gone"];
export const HEALTH = ["unconnected", "healthy", "unwell"];
const COLUMNS = ["number", "lat", "lon", "heading", "width", "range", "others", "kind", "state", "health", "area"];
const PER_DEGREE = 1_000_000;
const METRES_PER_DEGREE = 110_574;
const STEP_DEG = 10;

/** All cameras by their number, and which of them the filters let through. */
export class Cameras {
  constructor() {
    this.byNumber = new Map();
    this.filter = () => true;
  }

  /** Take the whole over. */
  fill(columns) {
    this.byNumber.clear();
    const lists = COLUMNS.map((name) => columns[name]);
    for (let at = 0; at < lists[0].length; at += 1) {
      this._keep(lists.map((list) => list[at]));
    }
  }

  /** Take changes over; a camera that is gone is left out from then on. */
  change(rows) {
    for (const row of rows) {
      if (STATES[row[8]] === "gone") this.byNumber.delete(row[0]);
      else this._keep(row);
    }
  }

  _keep([number, lat, lon, heading, width, range, others, kind, state, health, area]) {
    this.byNumber.set(number, {
      number,
      lat: lat / PER_DEGREE,
      lon: lon / PER_DEGREE,
      heading,
      width,
      range,
      others: others || [],
      kind,
      state: STATES[state],
      health: HEALTH[health],
      area,
    });
  }

  /** Those that the filters let through. */
  *shown() {
    for (const camera of this.byNumber.values()) if (this.filter(camera)) yield camera;
  }

  /** Their places. */
  points() {
    const features = [];
    for (const camera of this.shown()) {
      features.push({
        type: "Feature",
        properties: { number: camera.number, state: camera.state, health: camera.health },
        geometry: { type: "Point", coordinates: [camera.lon, camera.lat] },
      });
    }
    return { type: "FeatureCollection", features };
  }

  /** Those within [west, south, east, north]. */
  within([west, south, east, north]) {
    const found = [];
    for (const camera of this.shown()) {
      if (camera.lon >= west && camera.lon <= east && camera.lat >= south && camera.lat <= north) found.push(camera);
    }
    return found;
  }
}

/** What some cameras look at, as polygons. */
export function cones(cameras) {
  const features = [];
  for (const camera of cameras) {
    if (camera.width < 360 && camera.heading === null) continue;
    for (const heading of [camera.heading, ...camera.others]) {
      features.push({
        type: "Feature",
        properties: { state: camera.state },
        geometry: { type: "Polygon", coordinates: [sector(camera, heading)] },
      });
    }
  }
  return { type: "FeatureCollection", features };
}

function sector(camera, heading) {
  if (camera.width >= 360) return circle(camera.lon, camera.lat, camera.range);
  const ring = [[camera.lon, camera.lat]];
  const steps = Math.max(2, Math.ceil(camera.width / STEP_DEG));
  for (let at = 0; at <= steps; at += 1) {
    ring.push(away(camera.lon, camera.lat, heading - camera.width / 2 + (camera.width * at) / steps, camera.range));
  }
  ring.push(ring[0]);
  return ring;
}

/** A ring round a place; metres. */
export function circle(lon, lat, radius) {
  const ring = [];
  for (let deg = 0; deg <= 360; deg += STEP_DEG) ring.push(away(lon, lat, deg, radius));
  return ring;
}

function away(lon, lat, deg, metres) {
  const angle = (deg * Math.PI) / 180;
  const north = (metres * Math.cos(angle)) / METRES_PER_DEGREE;
  const east = (metres * Math.sin(angle)) / (METRES_PER_DEGREE * Math.cos((lat * Math.PI) / 180));
  return [lon + east, lat + north];
}

/** Points from steps: the first place, then how far the next ones lie from it. */
export function fromSteps(steps, perDegree) {
  const points = [];
  let x = 0;
  let y = 0;
  for (let at = 0; at < steps.length; at += 2) {
    x += steps[at];
    y += steps[at + 1];
    points.push([x / perDegree, y / perDegree]);
  }
  return points;
}
