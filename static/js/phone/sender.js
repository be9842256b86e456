// Sends what waits in the outbox: when a page opens, when it is looked at again, when the network comes
// back, after each tap and every half minute. One tab at a time (Web Lock), one record after the other's
// order; a command that got an answer is never sent with another content.
import { PENDING, blob, command, commands, device, dropBlobs, mark, markBlob, me, unlink } from "./outbox.js";
import { measure, renewPack, report } from "./pack.js";
import { Foreign, LoggedOut, Unreachable, ask, json, patch, post } from "./server.js";

const EVERY = 30_000;
const SOON = 2_000;
const CHUNK = 512 * 1024;
const PROMPT = 5_000;
let wait = 0;
let notBefore = 0;
let running = null;
let again = false;
let timer = 0;

// How it stands, for the bar: "unasked" at first, "" (all well), "offline", "login" or "foreign".
export const standing = { why: "unasked", login: "", user: "" };

function tell() {
  document.dispatchEvent(new CustomEvent("outbox:change"));
}

// Sends all it can. `now` is a person's wish, or the network is back: it does not wait for the back-off,
// and what is failing at this moment is tried once more.
export function flush({ now = false } = {}) {
  if (!me) return Promise.resolve();
  if (now) {
    notBefore = 0;
    again = running !== null;
  }
  if (Date.now() < notBefore) return Promise.resolve();
  // A tap while sending goes on is found by the next round of the same run.
  running ??= locked(rounds).finally(() => {
    running = null;
    tell();
    document.dispatchEvent(new CustomEvent("outbox:idle"));
    if (again) flush({ now: true });
  });
  return running;
}

function locked(work) {
  if (!navigator.locks) return work();
  return navigator.locks.request(`outbox-${me}`, { mode: "exclusive" }, work);
}

async function rounds() {
  try {
    let sent = false;
    for (;;) {
      const open = (await commands()).filter((each) => each.state === "unsent");
      const asked = (await commands()).filter((each) => each.state === "waiting");
      if (!open.length && (!asked.length || sent)) break;
      await round(open.length ? open : asked);
      sent = true;
    }
    // Is the network back for who has nothing to send?
    if (!sent && standing.why === "offline") await measure();
    wait = 0;
    notBefore = 0;
    if (sent || standing.why === "offline") Object.assign(standing, { why: "", login: "" });
    if (sent) await renewPack({ now: true });
  } catch (error) {
    failed(error);
  }
}

// Each record's commands in their order; the records beside each other.
async function round(open) {
  const records = Map.groupBy ? Map.groupBy(open, (each) => each.number) : grouped(open);
  const runs = [...records.values()].map(async (line) => {
    for (const each of line) await deliver(each);
  });
  const lost = (await Promise.allSettled(runs)).find((each) => each.status === "rejected");
  if (lost) throw lost.reason;
}

function grouped(open) {
  const found = new Map();
  for (const each of open) found.set(each.number, [...(found.get(each.number) ?? []), each]);
  return found;
}

async function deliver({ op_id }) {
  const one = await command(op_id);
  if (!one || !PENDING.includes(one.state)) return;
  const files = {};
  for (const [field, id] of Object.entries(one.files ?? {})) files[field] = await upload(id, op_id);
  await mark(op_id, { tries: one.tries + 1 });
  const content = {
    op_id, device: await device(), user: one.user, subject: one.subject, number: one.number, verb: one.verb,
    fields: one.fields, files, base_version: one.base_version, after: one.after, happened_at: one.happened_at,
    clock_offset_ms: one.clock_offset_ms, app: one.app,
    // Tapped just now: who tapped still looks at the form, and sees what is wrong with it.
    at_once: one.tries === 0 && Date.now() - Date.parse(one.happened_at) < PROMPT,
  };
  const url = one.replaces ? `/phone/commands/${one.replaces}/retry/` : "/phone/commands/";
  const answer = await post(url, content, { patience: 20_000 });
  if (answer.status === 404 && one.replaces) {
    // The server does not know what this one mends: then it is a command of its own.
    await mark(op_id, { replaces: null });
    return deliver({ op_id });
  }
  await settle(one, answer);
  tell();
  return undefined;
}

async function settle(one, answer) {
  const said = await json(answer);
  if (answer.ok) {
    // What concerns the customer, too: the next page says it.
    if (said.code === "sign-again") sessionStorage.setItem("desk-phone-said", said.message);
    const { state, message = "", errors = {}, next = "", version = null, status = "", at = null } = said;
    await mark(one.op_id, { state, message, errors, next, version, status, at, answered_at: Date.now() });
    if (state !== "refused") await dropBlobs(one);
    if (one.replaces) await mark(one.replaces, { state: "replaced", answered_at: Date.now() });
    return;
  }
  // Not understood: sending it again will not help, a person must see it.
  const message = said.detail ?? said.title ?? String(answer.status);
  await mark(one.op_id, { state: "broken", message, answered_at: Date.now() });
  await unlink(one.op_id);
}

// Sends a photo piece by piece; what arrived before a break need not go again.
async function upload(id, opId) {
  const kept = await blob(id);
  if (!kept) throw new Unreachable("the photo is gone");
  const size = kept.blob.size;
  let { upload: uid, offset = 0 } = kept;
  if (!uid) {
    const answer = await post("/phone/uploads/", {
      name: kept.name, size, sha256: kept.sha256, content_type: kept.blob.type,
    });
    if (!answer.ok) return broken(opId, await json(answer));
    ({ uid, offset } = await json(answer));
    await markBlob(id, { upload: uid, offset });
  } else if (offset < size) {
    // The last piece may have arrived without our hearing of it.
    const answer = await ask(`/phone/uploads/${uid}/`);
    offset = answer.ok ? (await json(answer)).offset : offset;
  }
  let damaged = 0;
  while (offset < size) {
    const answer = await patch(`/phone/uploads/${uid}/`, kept.blob.slice(offset, offset + CHUNK), {
      "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream",
    });
    if (answer.status === 404) {
      // It lay there too long and was cleared away.
      await markBlob(id, { upload: null, offset: 0 });
      throw new Unreachable("upload forgotten");
    }
    const said = await json(answer);
    // It lies elsewhere than we thought, or was damaged: the server says from where to go on.
    if (!answer.ok && said.offset === undefined) return broken(opId, said);
    if (answer.status === 422 && (damaged += 1) > 2) return broken(opId, said);
    ({ offset } = said);
    await markBlob(id, { offset });
    document.dispatchEvent(new CustomEvent("outbox:upload", { detail: { id, offset, size } }));
  }
  return uid;
}

async function broken(opId, said) {
  await mark(opId, { state: "broken", message: said.detail ?? said.title ?? String(said.status) });
  await unlink(opId);
  throw new Unreachable("photo refused");
}

function failed(error) {
  if (error instanceof LoggedOut) Object.assign(standing, { why: "login", login: error.url });
  else if (error instanceof Foreign) Object.assign(standing, { why: "foreign", user: error.message });
  else if (error instanceof Unreachable) Object.assign(standing, { why: "offline" });
  else throw error;
  wait = Math.min(Math.max(wait * 2, SOON), 10 * EVERY);
  const delay = wait * (0.75 + Math.random() / 2);
  notBefore = Date.now() + delay;
  clearTimeout(timer);
  timer = setTimeout(soon, delay);
}

function soon() {
  if (!document.hidden) flush();
}

// A look at the server without anything to send: the clock, the pack, whether it is there.
export async function look({ now = false } = {}) {
  try {
    await measure();
    Object.assign(standing, { why: "", login: "" });
    await report();
    return await renewPack({ now });
  } catch (error) {
    failed(error);
    notBefore = 0;
    return false;
  } finally {
    tell();
    if (!running) document.dispatchEvent(new CustomEvent("outbox:idle"));
  }
}

export async function discard(opId, reason) {
  const answer = await post(`/phone/commands/${opId}/discard/`, { reason });
  if (answer.status !== 404) {
    const said = await json(answer);
    if (!answer.ok) throw new Error(said.detail ?? said.title ?? String(answer.status));
  }
  await mark(opId, { state: "discarded", message: reason, answered_at: Date.now() });
  tell();
}

export function keepSending() {
  addEventListener("online", () => flush({ now: true }));
  addEventListener("focus", soon);
  document.addEventListener("visibilitychange", soon);
  setInterval(soon, EVERY);
  navigator.serviceWorker?.addEventListener("message", (event) => {
    if (event.data === "flush") flush({ now: true });
  });
  flush({ now: true });
}

// Where the browser can, it wakes us up when the network is back; an extra, nothing rests on it.
export async function wakeMeUp() {
  try {
    const ready = await navigator.serviceWorker?.ready;
    await ready?.sync?.register("outbox");
  } catch {
    // Not allowed or not there.
  }
}
