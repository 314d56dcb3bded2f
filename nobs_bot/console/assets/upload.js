// Sends files one after the other through tus, and says how far each has come.

const main = document.querySelector("main");
const words = JSON.parse(main.dataset.words);
const mostBytes = Number(main.dataset.most);
const language = document.documentElement.lang;
const endpoint = new URL("berkas/", location.href).href;

// several calls for a large file: a proxy that collects bodies before it hands them on has to hold one
const CHUNK_BYTES = 256 * 1024 * 1024;
// after a kill of the server the file stays taken for a minute, so we must be more patient than that
const RETRY_DELAYS_MS = [0, 1000, 2000, 4000, 8000, 15000, 20000, 30000, 30000, 30000];
const RATE_WINDOW_MS = 8000;
const SHOWN_EVERY_MS = 250;
const LOOK_AGAIN_MS = 3000;

const at = (id) => document.getElementById(id);
const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

function element(name, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
}

function size(bytes) {
  const units = ["B", "KB", "MB", "GB"];
  let step = 0;
  while (bytes >= 1024 && step < units.length - 1) {
    bytes /= 1024;
    step += 1;
  }
  const digits = step > 0 && bytes < 100 ? 1 : 0;
  return `${bytes.toLocaleString(language, { maximumFractionDigits: digits })} ${units[step]}`;
}

function stretch(seconds) {
  if (seconds < 60) return fill(words.seconds, { count: Math.max(1, Math.round(seconds)) });
  if (seconds < 5400) return fill(words.minutes, { count: Math.round(seconds / 60) });
  return fill(words.hours, { count: (seconds / 3600).toLocaleString(language, { maximumFractionDigits: 1 }) });
}

// What the server has

async function listed() {
  const answer = await fetch("daftar", { headers: { Accept: "application/json" } });
  // a link that is over stays so; who asked too often is answered in a while
  const isFinal = answer.status < 500 && answer.status !== 429;
  if (!answer.ok) throw Object.assign(new Error(answer.status), { isFinal });
  return answer.json();
}

let asked = 0;

async function showReceived() {
  const turn = ++asked;
  let files;
  try {
    files = await listed();
  } catch (error) {
    // the line is away; what has come is told when it is back, unless asked anew by then
    if (!error.isFinal) setTimeout(() => turn === asked && showReceived(), LOOK_AGAIN_MS);
    return;
  }
  if (turn !== asked) return;
  // the last bytes had arrived when the line broke, or the button was pressed
  const whole = new Set(files.filter((file) => file.whole).map((file) => file.id));
  const arrived = queue.find((each) => each.isStopped() && whole.has(each.id));
  if (arrived) {
    arrived.succeeded(); // and what has come is told anew
    return;
  }
  const sending = new Set(queue.map((each) => each.id).filter(Boolean));
  const rows = files
    .filter((file) => file.whole || !sending.has(file.id))
    .map((file) => {
      const numbers = { done: size(file.received), size: size(file.size) };
      const state = fill(file.whole ? words.whole : words.unfinished, numbers);
      const row = element("li", { className: `file${file.whole ? " whole" : ""}` });
      row.append(element("b", {}, file.name), element("small", {}, state));
      return row;
    });
  at("received").replaceChildren(...rows);
  at("nothing").hidden = rows.length > 0;
}

/** Now, and once the server has put away what had come when the line ended. */
function showSoon() {
  showReceived();
  setTimeout(showReceived, LOOK_AGAIN_MS / 2);
}

/** Where this very file was left off: as this browser remembers it, else as the server does. */
async function leftOff(upload, file) {
  const files = await listed();
  const open = new Map(files.filter((each) => !each.whole).map((each) => [each.id, each]));
  for (const known of await upload.findPreviousUploads()) {
    const id = known.uploadUrl?.split("/").at(-1);
    if (open.has(id) && known.uploadUrl.startsWith(endpoint)) return known.uploadUrl;
  }
  const same = (each) =>
    each.name === file.name && each.size === file.size && each.modified === String(file.lastModified);
  const found = [...open.values()].find((each) => same(each) && !queue.some((job) => job.id === each.id));
  return found ? endpoint + found.id : null;
}

// One file

const queue = [];

class Sending {
  constructor(file) {
    this.file = file;
    this.id = null;
    this.state = "waiting";
    this.seen = [];
    this.shownAt = 0;
    this.toldPercent = 0;
    this.starts = 0;
    this.bar = element("progress", { max: file.size || 1, value: 0 });
    this.bar.setAttribute("aria-label", file.name);
    this.line = element("small", {}, words.waiting);
    const button = (act) => element("button", { type: "button", className: "plain", onclick: act });
    this.turn = button(() => (this.isStopped() ? this.goOn() : this.pause()));
    const cancel = button(() => this.cancel());
    this.buttons = element("div", { className: "buttons" }, this.turn, cancel);
    this.label(cancel, words.cancel);
    this.row = element("li", { className: "file" }, element("b", {}, file.name), this.bar, this.line, this.buttons);
    this.upload = new tus.Upload(file, {
      endpoint,
      chunkSize: CHUNK_BYTES,
      retryDelays: RETRY_DELAYS_MS,
      removeFingerprintOnSuccess: true,
      metadata: { filename: file.name, filetype: file.type, modified: String(file.lastModified) },
      onUploadUrlAvailable: () => this.known(),
      onProgress: (sent) => this.progress(sent),
      onShouldRetry: (error) => this.again(error),
      onError: (error) => this.broke(error),
      onSuccess: () => this.succeeded(),
    });
    this.show();
  }

  known() {
    if (this.state === "gone") {
      this.letGo();
      return;
    }
    this.id = this.upload.url.split("/").at(-1);
    showReceived();
  }

  async start() {
    this.to("sending", words.preparing);
    this.seen = [];
    const start = ++this.starts;
    try {
      if (!this.upload.url) {
        const url = await leftOff(this.upload, this.file);
        // paused and gone on with while we looked: the later start asks the server, and alone
        if (start !== this.starts) return;
        if (url) {
          this.id = url.split("/").at(-1);
          this.upload.options.uploadUrl = url;
        }
      }
    } catch {
      if (start === this.starts) this.broke(null);
      return;
    }
    if (this.state === "sending") {
      this.upload.start();
    } else if (this.state === "gone" && this.id) {
      // cancelled while we looked where it was left off
      this.upload.url = this.upload.options.uploadUrl;
      this.letGo();
    }
  }

  async pause() {
    this.to("paused", words.paused);
    await this.upload.abort();
    showSoon();
    next();
  }

  goOn() {
    this.to("waiting", words.waiting);
    next();
  }

  cancel() {
    if (!confirm(words.sure)) return;
    // while the server makes the file nobody knows its address yet: known() lets go of it
    const isBeingMade = this.state === "sending" && !this.upload.url;
    this.state = "gone";
    queue.splice(queue.indexOf(this), 1);
    this.row.remove();
    at("files-title").hidden = queue.length === 0;
    if (!isBeingMade) this.letGo();
    next();
  }

  /** Nothing of it stays on the server. */
  async letGo() {
    await this.upload.abort(true).catch(() => {});
    showReceived();
  }

  again(error) {
    const status = error.originalResponse?.getStatus() ?? 0;
    // the file on the server is over or was never there: begin anew, or tell why not
    const passes = status === 0 || status === 409 || status === 423 || status === 429 || status === 460 || (status >= 500 && status !== 507);
    if (passes && this.state === "sending") this.to("sending", words.again);
    // what is gone is tried again too: the server holds a file for a moment whose line just ended
    return passes && ["sending", "gone"].includes(this.state);
  }

  progress(sent) {
    const now = performance.now();
    this.bar.value = sent;
    if (this.state !== "sending" || now - this.shownAt < SHOWN_EVERY_MS) return;
    this.shownAt = now;
    this.seen.push([now, sent]);
    while (this.seen.length > 2 && now - this.seen[0][0] > RATE_WINDOW_MS) this.seen.shift();
    const [since, before] = this.seen[0];
    const parts = [fill(words.progress, { done: size(sent), size: size(this.file.size) })];
    const rate = (sent - before) / Math.max(1, now - since) * 1000;
    if (rate > 0 && now - since > 700) {
      parts.push(fill(words.rate, { rate: size(rate), left: stretch((this.file.size - sent) / rate) }));
    }
    this.line.textContent = parts.join(" · ");
    this.tell(sent / this.file.size);
  }

  /** For those who listen: a word at every quarter, not at every byte. */
  tell(share) {
    const percent = Math.floor(share * 4) * 25;
    if (percent <= this.toldPercent || percent >= 100) return;
    this.toldPercent = percent;
    const said = (percent / 100).toLocaleString(language, { style: "percent" });
    at("heard").textContent = fill(words.percent_of, { percent: said, name: this.file.name });
  }

  broke(error) {
    if (this.state !== "sending") return;
    const reason = error?.originalResponse?.getBody()?.trim();
    this.to("broken", reason && reason.length < 300 && !reason.startsWith("<") ? reason : words.broken);
    showSoon();
    const status = error?.originalResponse?.getStatus();
    if (status === 404 || status === 410) {
      this.upload.url = null;
      this.upload.options.uploadUrl = null;
      this.id = null;
    }
    next();
  }

  succeeded() {
    this.bar.value = this.file.size;
    this.to("done", words.done);
    queue.splice(queue.indexOf(this), 1);
    this.row.remove();
    at("files-title").hidden = queue.length === 0;
    const allDone = queue.every((each) => each.state === "done");
    at("told").textContent = allDone ? words.all_done : `${this.file.name}: ${words.done}`;
    showReceived();
    next();
  }

  to(state, line) {
    this.state = state;
    this.line.textContent = line;
    this.show();
  }

  isStopped() {
    return ["paused", "broken"].includes(this.state);
  }

  /** The buttons stay the same ones: who has pressed one and not let go yet must not lose it. */
  show() {
    this.row.classList.toggle("broken", this.state === "broken");
    this.label(this.turn, this.isStopped() ? words.go_on : words.pause);
  }

  label(button, word) {
    button.textContent = word;
    button.setAttribute("aria-label", `${word}: ${this.file.name}`);
  }
}

// All of them

let awake = null;

function next() {
  const isBusy = queue.some((each) => each.state === "sending");
  const waiting = queue.find((each) => each.state === "waiting");
  if (!isBusy && waiting) waiting.start();
  keepAwake(isBusy || Boolean(waiting));
}

/** A phone that goes to sleep sends nothing. */
async function keepAwake(wanted) {
  if (!wanted) {
    awake?.release();
    awake = null;
  } else if (!awake && navigator.wakeLock && document.visibilityState === "visible") {
    awake = await navigator.wakeLock.request("screen").catch(() => null);
    awake?.addEventListener("release", () => (awake = null));
  }
}

function add(files) {
  at("told").textContent = "";
  for (const file of files) {
    if (queue.some((each) => each.file.name === file.name && each.file.size === file.size && each.file.lastModified === file.lastModified)) continue;
    if (file.size === 0 || file.size > mostBytes) {
      at("told").textContent = `${file.name}: ${file.size ? words.too_large : words.empty}`;
      continue;
    }
    const sending = new Sending(file);
    queue.push(sending);
    at("sending").append(sending.row);
  }
  at("files-title").hidden = queue.length === 0;
  next();
}

const chosen = at("files");

function take() {
  if (chosen.files.length === 0) return;
  add([...chosen.files]);
  chosen.value = ""; // so that the same file can be chosen once more
}

chosen.addEventListener("change", take);
take(); // on a slow line somebody has chosen before this script was there
addEventListener("online", () => queue.filter((each) => each.state === "broken").forEach((each) => each.goOn()));
addEventListener("visibilitychange", () => next());
addEventListener("beforeunload", (event) => {
  if (queue.some((each) => each.state === "sending")) event.preventDefault();
});
// a page that was closed a moment ago may have been sending
showSoon();
