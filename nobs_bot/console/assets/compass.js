// Reads the phone's compass and hands the direction to the bot. Inside of Telegram the address says,
// behind the #, who opened it, with Telegram's signature.
const place = document.getElementById("compass");
const needle = document.getElementById("needle");
const degrees = document.getElementById("degrees");
const news = document.getElementById("news");
const begin = document.getElementById("begin");
const use = document.getElementById("use");
const proof = new URLSearchParams(location.hash.slice(1)).get("tgWebAppData");

const KEPT = 24;
const STEADY_DEG = 12;
const SILENT_MS = 2500;
const seen = [];
let heading = null;

const radians = (value) => (value * Math.PI) / 180;

/** The mean of directions, and how far they lie apart, degrees. */
function meanOf(angles) {
  const east = angles.reduce((sum, each) => sum + Math.sin(radians(each)), 0) / angles.length;
  const north = angles.reduce((sum, each) => sum + Math.cos(radians(each)), 0) / angles.length;
  const mean = (Math.atan2(east, north) * 180) / Math.PI;
  const spread = Math.sqrt(Math.max(0, -2 * Math.log(Math.min(1, Math.hypot(east, north)))));
  return { mean: (mean + 360) % 360, spreadDeg: (spread * 180) / Math.PI };
}

function onTurn(event) {
  let measured = null;
  if (typeof event.webkitCompassHeading === "number") measured = event.webkitCompassHeading;
  else if (event.absolute && event.alpha !== null) measured = 360 - event.alpha;
  if (measured === null) return;
  seen.push((measured + (screen.orientation?.angle ?? 0) + 360) % 360);
  if (seen.length > KEPT) seen.shift();
  const { mean, spreadDeg } = meanOf(seen);
  heading = Math.round(mean) % 360;
  needle.style.transform = `rotate(${heading}deg)`;
  degrees.textContent = `${heading}°`;
  const isSteady = seen.length >= KEPT / 2 && spreadDeg < STEADY_DEG;
  use.hidden = false;
  use.disabled = !isSteady;
  say(isSteady ? "" : place.dataset.unsteady);
}

async function start() {
  try {
    if (typeof DeviceOrientationEvent !== "undefined" && DeviceOrientationEvent.requestPermission) {
      const answer = await DeviceOrientationEvent.requestPermission();
      if (answer !== "granted") return void say(place.dataset.none);
    }
  } catch {
    return void say(place.dataset.none);
  }
  begin.hidden = true;
  const kind = "ondeviceorientationabsolute" in window ? "deviceorientationabsolute" : "deviceorientation";
  addEventListener(kind, onTurn);
  setTimeout(() => {
    if (!seen.length) say(place.dataset.none);
  }, SILENT_MS);
}

async function send() {
  use.disabled = true;
  const body = new FormData();
  body.set("data", proof);
  body.set("heading", String(heading));
  try {
    const answer = await fetch(location.pathname, { method: "POST", body });
    if (!answer.ok) throw new Error(String(answer.status));
    removeEventListener("deviceorientationabsolute", onTurn);
    removeEventListener("deviceorientation", onTurn);
    use.hidden = true;
    say(place.dataset.sent);
    close();
  } catch {
    say(place.dataset.refused);
    use.disabled = false;
  }
}

/** Leave the app, as Telegram's clients want to be told. */
function close() {
  const message = JSON.stringify({ eventType: "web_app_close", eventData: {} });
  if (window.TelegramWebviewProxy) window.TelegramWebviewProxy.postEvent("web_app_close", "{}");
  else if (window.external && "notify" in window.external) window.external.notify(message);
  else if (window.parent !== window) window.parent.postMessage(message, "https://web.telegram.org");
}

function say(text) {
  if (news.textContent !== text) news.textContent = text;
}

if (proof) {
  history.replaceState(null, "", location.pathname + location.search);
  begin.addEventListener("click", start);
  use.addEventListener("click", send);
} else {
  begin.hidden = true;
  say(place.dataset.outside);
}
