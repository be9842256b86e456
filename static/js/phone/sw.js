// The service worker. The server puts `self.DESK` before this: version, address of the shell, assets with
// their hashes. It keeps files of the product and the empty shell, and no page with anybody's data.
/* global DESK */
const CACHE = `desk-${DESK.version}`;
const PATIENCE = 3_000;
// After a failure the shell answers at once for so long; pages ask the server meanwhile.
const REST = 20_000;
const ASSETS = new Set(DESK.assets.map(([url]) => url));
// Pages that the telephone can draw by itself.
const LOCAL = /^\/(visits\/today|visits\/[^/]+|visits\/[^/]+\/[^/]+|phone\/queue)\/$/;
const NOT_LOCAL = /^\/visits\/(new|board|unassigned|b|n|t|offline)\//;
let restUntil = 0;

self.addEventListener("install", (event) => {
  event.waitUntil(fill().then(() => self.skipWaiting()));
});

// All files or none: the hash refuses a file of another version.
async function fill() {
  const cache = await caches.open(CACHE);
  await cache.addAll(DESK.assets.map(([url, integrity]) => new Request(url, { integrity, cache: "no-cache" })));
  // Without cookies: nobody's page.
  await cache.add(new Request(DESK.shell, { cache: "no-store", credentials: "omit" }));
}

self.addEventListener("activate", (event) => {
  event.waitUntil(takeOver());
});

async function takeOver() {
  for (const name of await caches.keys()) {
    if (name.startsWith("desk-") && name !== CACHE) await caches.delete(name);
  }
  await self.registration.navigationPreload?.enable();
  await self.clients.claim();
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (ASSETS.has(url.pathname)) event.respondWith(asset(request));
  else if (request.mode === "navigate") event.respondWith(lent().then((is) => (is ? shell() : page(event, url))));
});

// In a customer's hand (lent.js): no address shows anything but the form, also back in the network.
function lent() {
  return caches.has("handed-over");
}

function kept(what) {
  return caches.match(what, { cacheName: CACHE, ignoreVary: true, ignoreSearch: true });
}

async function asset(request) {
  return (await kept(request)) ?? fetch(request);
}

// The network first; where it does not answer, the shell, which draws the page from the pack.
async function page(event, url) {
  const local = LOCAL.test(url.pathname) && !NOT_LOCAL.test(url.pathname);
  if (local && (url.searchParams.has("local") || Date.now() < restUntil)) return shell();
  const network = fromNetwork(event);
  if (!local) return network.catch(shell);
  let timer = 0;
  const late = new Promise((_done, failed) => {
    timer = setTimeout(() => failed(new Error("late")), PATIENCE);
  });
  // Whoever comes too late must not be reported as an error.
  network.catch(() => {});
  try {
    const answer = await Promise.race([network, late]);
    if (answer.status >= 500) throw new Error(String(answer.status));
    restUntil = 0;
    return answer;
  } catch (error) {
    const empty = await shell();
    if (!empty) throw error;
    // Who went elsewhere before the answer came says nothing about the network.
    if (!event.request.signal.aborted) restUntil = Date.now() + REST;
    return empty;
  } finally {
    clearTimeout(timer);
  }
}

async function fromNetwork(event) {
  return (await event.preloadResponse) ?? fetch(event.request);
}

function shell() {
  return kept(DESK.shell);
}

self.addEventListener("message", (event) => {
  if (event.data === "online") restUntil = 0;
});

// An extra where the browser has it: open pages are told to send.
self.addEventListener("sync", (event) => {
  if (event.tag === "outbox") event.waitUntil(wake());
});

async function wake() {
  for (const client of await self.clients.matchAll({ type: "window" })) client.postMessage("flush");
}
