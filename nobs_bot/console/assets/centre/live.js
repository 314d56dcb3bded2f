// A live picture: fragments of MP4 go into Media Source; a browser that cannot play them shows stills.
const place = document.getElementById("pantauan");
const video = document.getElementById("gambar");
const image = document.getElementById("cuplikan");
const news = document.getElementById("kabar");
const left = document.getElementById("sisa");
const root = document.body.dataset.root;

const START = 0, MEDIA = 1, STILL = 2;
const BEHIND_S = 2.5, EDGE_S = 0.4, KEPT_S = 20;
const AGAIN_MS = 2000;
const MOST_TRIES = 20;
const MOST_WAITING = 400;

const endsAt = Date.now() + Number(place.dataset.left) * 1000;
let socket = null;
let tries = 0;
let isOver = false;
let player = null;
let stillAddress = "";

/** Feeds one Media Source; ends with its connection. */
class Player {
  constructor(mime, onTrouble) {
    this.mime = mime;
    this.waiting = [];
    this.buffer = null;
    this.onTrouble = onTrouble;
    this.source = new MediaSource();
    this.address = URL.createObjectURL(this.source);
    video.src = this.address;
    this.source.addEventListener("sourceopen", () => this.open(), { once: true });
  }

  open() {
    try {
      this.buffer = this.source.addSourceBuffer(this.mime);
    } catch {
      this.onTrouble();
      return;
    }
    this.buffer.addEventListener("updateend", () => this.next());
    this.buffer.addEventListener("error", () => this.onTrouble());
    this.next();
  }

  add(data) {
    this.waiting.push(data);
    if (this.waiting.length > MOST_WAITING) this.onTrouble();
    else this.next();
  }

  next() {
    if (!this.buffer || this.buffer.updating || this.source.readyState !== "open") return;
    this.keepUp();
    if (this.buffer.updating || !this.waiting.length) return;
    try {
      this.buffer.appendBuffer(this.waiting[0]);
      this.waiting.shift();
    } catch (error) {
      if (error.name !== "QuotaExceededError") this.onTrouble();
      else this.forget(2);
    }
  }

  /** Stay at the live edge, and let go of what was seen. */
  keepUp() {
    const ranges = this.buffer.buffered;
    if (!ranges.length) return;
    const start = ranges.start(0), end = ranges.end(ranges.length - 1);
    const at = video.currentTime;
    if (at < ranges.start(ranges.length - 1) || end - at > BEHIND_S) {
      video.currentTime = Math.max(ranges.start(ranges.length - 1), end - EDGE_S);
    }
    if (at - start > KEPT_S) this.forget(KEPT_S / 2);
  }

  forget(keptS) {
    const until = video.currentTime - keptS;
    if (until > 0 && !this.buffer.updating) this.buffer.remove(0, until);
  }

  close() {
    this.waiting = [];
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(this.address);
  }
}

function connect() {
  const address = new URL(`${root}/langsung/lihat/${place.dataset.view}/siaran`, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(address);
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", (event) => {
    if (typeof event.data === "string") hear(JSON.parse(event.data));
    else show(new Uint8Array(event.data));
  });
  socket.addEventListener("close", retry);
}

function hear(message) {
  if ("opened" in message) {
    const { mime } = message.opened;
    if (mime && window.MediaSource && MediaSource.isTypeSupported(mime)) player = new Player(mime, askForStills);
    else askForStills();
  } else if ("ended" in message) {
    finish(message.ended);
  } else if ("lost" in message) {
    conceal();
    say([message.lost, message.why, place.dataset.again].filter(Boolean).join(" "));
  }
}

function show(message) {
  if (isOver) return;
  tries = 0;
  const body = message.subarray(1);
  if (message[0] === STILL) showStill(body);
  else if (player && (message[0] === START || message[0] === MEDIA)) player.add(body);
}

function showStill(body) {
  if (player) return;
  const address = URL.createObjectURL(new Blob([body], { type: "image/jpeg" }));
  image.src = address;
  if (stillAddress) URL.revokeObjectURL(stillAddress);
  stillAddress = address;
  image.hidden = false;
  say(place.dataset.stills, true);
}

function askForStills() {
  if (player) player.close();
  player = null;
  video.hidden = true;
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ stills: true }));
}

video.addEventListener("playing", () => {
  video.hidden = false;
  say(place.dataset.on, true);
});
video.addEventListener("loadeddata", () => {
  video.hidden = false;
  video.play().catch(() => {});
});
video.addEventListener("error", () => {
  if (player) askForStills();
});

function conceal() {
  if (player) player.close();
  player = null;
  video.hidden = true;
  image.hidden = true;
  image.removeAttribute("src");
  if (stillAddress) URL.revokeObjectURL(stillAddress);
  stillAddress = "";
}

function retry() {
  if (isOver) return;
  conceal();
  tries += 1;
  if (Date.now() >= endsAt || tries > MOST_TRIES) {
    location.reload();
    return;
  }
  if (!news.textContent) say(place.dataset.wait);
  setTimeout(connect, AGAIN_MS);
}

function finish(told) {
  isOver = true;
  conceal();
  say(told);
  left.parentElement.hidden = true;
  document.getElementById("akhiri").hidden = true;
  document.getElementById("kembali").hidden = false;
  socket.close();
}

function say(text, isSmall = false) {
  if (news.textContent !== text) news.textContent = text;
  news.classList.toggle("small", isSmall);
}

setInterval(() => {
  if (isOver) return;
  const seconds = Math.max(0, Math.round((endsAt - Date.now()) / 1000));
  left.textContent = `${Math.floor(seconds / 60)}.${String(seconds % 60).padStart(2, "0")}`;
}, 500);
addEventListener("pagehide", () => { isOver = true; socket?.close(); });
connect();
