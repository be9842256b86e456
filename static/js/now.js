// “Now” and the wall screen: asks for the figures every five seconds while somebody can see them,
// and exchanges only those parts that differ, so that nothing flickers and the focus stays. If no
// answer comes, it says so, loudly on the wall.
const PERIOD = 5_000;
// Two answers are missing: these figures are old.
const SILENCE = 12_000;
// A wall screen runs for months: once a day it takes the page anew, with what an update changed in it.
const RENEWAL = 24 * 3_600_000;

const live = document.querySelector("[data-live]");
const alarms = document.querySelectorAll("[data-live-alarm]");
const state = document.querySelector("[data-live-state]");
// The time of the last answer, in the alarm and beside “live”.
const times = document.querySelectorAll("[data-live-at]");
const clock = document.querySelector("[data-live-clock]");
let etag = null;
let answered = Date.now();
const loaded = Date.now();
const wall = document.querySelector("[data-wall]");

// What the server sent last, part by part. The page itself may have counted a chip on meanwhile.
const sent = new Map();
for (const part of live.querySelectorAll("[data-part]")) sent.set(part.dataset.part, null);

function ask() {
  if (!document.hidden) htmx.trigger(live, "live:ask");
}

function exchange(markup) {
  const parts = new DOMParser().parseFromString(markup, "text/html").querySelectorAll("[data-part]");
  // Another version of the desk: its page fits its parts.
  if (parts.length !== sent.size) {
    if (wall && parts.length) window.location.reload();
    return false;
  }
  for (const part of parts) {
    const name = part.dataset.part;
    if (sent.get(name) === part.outerHTML) continue;
    sent.set(name, part.outerHTML);
    const present = live.querySelector(`[data-part="${name}"]`);
    if (present.outerHTML !== part.outerHTML) replace(present, part);
  }
  return true;
}

function replace(present, part) {
  const focused = present.contains(document.activeElement) ? document.activeElement : null;
  const address = focused?.getAttribute("href");
  const scrolled = [...present.querySelectorAll("[role=region]")].map((region) => region.scrollLeft);
  present.replaceWith(document.adoptNode(part));
  htmx.process(part);
  [...part.querySelectorAll("[role=region]")].forEach((region, index) => (region.scrollLeft = scrolled[index] ?? 0));
  if (!focused) return;
  const same = address
    ? [...part.querySelectorAll("a")].find((link) => link.getAttribute("href") === address)
    : part.querySelector("[role=region]");
  same?.focus({ preventScroll: true });
}

live.addEventListener("htmx:configRequest", (event) => {
  if (etag) event.detail.headers["If-None-Match"] = etag;
});
live.addEventListener("htmx:beforeSwap", (event) => {
  event.detail.shouldSwap = false;
  event.detail.isError = false;
  const { xhr } = event.detail;
  // The link was revoked: what was shown last must not stay on the wall.
  if (wall && xhr.status === 404) window.location.reload();
  if (xhr.status === 304) heard();
  else if (xhr.status === 200 && exchange(xhr.responseText)) {
    etag = xhr.getResponseHeader("ETag");
    heard();
  } else return;
  // Only after an answer: a page that cannot be fetched would leave the wall empty.
  if (wall && Date.now() - loaded > RENEWAL) window.location.reload();
});
// A toast every five seconds helps nobody; the alarm stays until an answer comes.
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  live.addEventListener(name, (event) => event.stopPropagation());
}

function heard() {
  answered = Date.now();
  watch();
}

const clockOf = (moment, seconds) =>
  moment.toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", second: seconds ? "2-digit" : undefined, hour12: false });

function put(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

function watch() {
  const now = new Date();
  const silent = now - answered > SILENCE;
  document.body.classList.toggle("live-silent", silent);
  for (const alarm of alarms) alarm.hidden = !silent;
  if (state) state.hidden = silent;
  for (const place of times) put(place, clockOf(new Date(answered), true));
  if (clock) put(clock, clockOf(now, false));
}

setInterval(ask, PERIOD);
setInterval(watch, 1_000);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  // While nobody looked, nobody asked; that is no silence of the server.
  answered = Date.now();
  ask();
  stayAwake();
});
watch();

// A screen on the wall must not go to sleep. Not every browser can be told; then its settings must.
async function stayAwake() {
  if (!wall || !navigator.wakeLock || document.hidden) return;
  try {
    await navigator.wakeLock.request("screen");
  } catch {
    // Refused on battery or by a policy: nothing else can be done from here.
  }
}
stayAwake();
