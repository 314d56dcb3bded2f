// What every page of the command centre does: it tells the server that somebody is there.
const root = document.body.dataset.root;
const csrf = document.body.dataset.csrf;
const TELL_EVERY_MS = 5 * 60 * 1000;
let toldAt = Date.now();

/** A call to the server: JSON back, or an Error with the server's own sentence. */
export async function call(path, { method = "GET", body = null, signal = undefined } = {}) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  const answer = await fetch(`${root}/${path}`, { method, headers, body, signal });
  if (answer.status === 401) {
    location.reload();
    throw new Error("401");
  }
  const kind = answer.headers.get("Content-Type") ?? "";
  const told = kind.includes("json") ? await answer.json() : null;
  if (!answer.ok) throw new Error(told?.told ?? answer.statusText);
  return told;
}

function awake() {
  if (Date.now() - toldAt < TELL_EVERY_MS) return;
  toldAt = Date.now();
  call("terjaga", { method: "POST" }).catch(() => {});
}

for (const sign of ["pointerdown", "keydown", "wheel"]) {
  addEventListener(sign, awake, { passive: true });
}

// on a phone the navigation is wider than the screen
document.querySelector(".pages [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
