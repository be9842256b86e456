// What this telephone holds of one person: the commands not yet sent, their photos, the pack.
// A database per person (`desk-<uid>`), so that nobody's work is sent under another name. Commands are
// only ever added and marked; what goes in goes in whole, together with its photos, or not at all.
import { openDB } from "../../vendor/idb/build/index.js";

const USER = "desk-phone-user";
// Not at the server yet, or not decided there: these are counted on the bar and lie over the pack.
export const PENDING = ["unsent", "waiting"];
// A person has to decide.
export const STUCK = ["refused", "broken"];

export const me = document.body.dataset.user || remembered();
let opening = null;

// Who used this telephone last; the shell knows nobody by itself.
export function remembered() {
  try {
    return localStorage.getItem(USER) ?? "";
  } catch {
    return "";
  }
}

export function remember(uid) {
  try {
    if (uid) localStorage.setItem(USER, uid);
    else localStorage.removeItem(USER);
  } catch {
    // Then the shell finds nobody and asks for the network.
  }
}

export function database(uid = me) {
  if (uid !== me) return open(uid);
  opening ??= open(uid);
  return opening;
}

function open(uid) {
  if (!uid) return Promise.reject(new Error("nobody is known on this telephone"));
  return openDB(`desk-${uid}`, 1, {
    upgrade(db) {
      db.createObjectStore("commands", { keyPath: "seq", autoIncrement: true }).createIndex("op_id", "op_id", {
        unique: true,
      });
      db.createObjectStore("blobs", { keyPath: "id" });
      db.createObjectStore("meta");
    },
    // A newer version of the product in another tab must not wait for this one.
    blocking(_current, _blocked, event) {
      event.target.close();
      opening = null;
    },
    terminated() {
      opening = null;
    },
  });
}

export async function meta(key, uid = me) {
  return (await database(uid)).get("meta", key);
}

export async function setMeta(key, value) {
  return (await database()).put("meta", value, key);
}

// Which browser on which telephone; made once.
export async function device() {
  const known = await meta("device");
  if (known) return known;
  const made = crypto.randomUUID();
  await setMeta("device", made);
  return made;
}

// Adds a command and its files in one transaction: after `done` both are on the disk.
export async function add(command, blobs = []) {
  const db = await database();
  const transaction = db.transaction(["commands", "blobs"], "readwrite", { durability: "strict" });
  const commands = transaction.objectStore("commands");
  const all = await commands.getAll();
  const earlier = all.filter((each) => each.number === command.number && each.state !== "broken");
  const whole = { ...command, after: earlier.at(-1)?.op_id ?? null, state: "unsent", tries: 0 };
  const work = [
    commands.add(whole).then((seq) => {
      whole.seq = seq;
    }),
    ...blobs.map((blob) => transaction.objectStore("blobs").add(blob)),
    transaction.done,
  ];
  // All of them fail when one does; each must be heard, or the browser complains of it.
  const failed = (await Promise.allSettled(work)).find((each) => each.status === "rejected");
  if (failed) throw failed.reason;
  return whole;
}

export async function commands(uid = me) {
  return (await database(uid)).getAll("commands");
}

export async function command(opId) {
  return (await database()).getFromIndex("commands", "op_id", opId);
}

export async function mark(opId, changes) {
  const transaction = (await database()).transaction("commands", "readwrite");
  const found = await transaction.store.index("op_id").get(opId);
  if (found) await transaction.store.put({ ...found, ...changes });
  await transaction.done;
}

// Takes a command away for good: it is settled at the server, or it never got there.
export async function remove(opId) {
  const transaction = (await database()).transaction(["commands", "blobs"], "readwrite");
  const store = transaction.objectStore("commands");
  const found = await store.index("op_id").get(opId);
  if (found) {
    await store.delete(found.seq);
    for (const id of Object.values(found.files ?? {})) await transaction.objectStore("blobs").delete(id);
    // Whoever waits for one that never arrives would wait for ever.
    if (found.tries === 0 || found.state === "broken") await skip(store, found);
    // What it was to mend is to be mended again.
    const mended = found.replaces ? await store.index("op_id").get(found.replaces) : null;
    if (mended?.state === "replaced") await store.put({ ...mended, state: "refused" });
  }
  await transaction.done;
}

// The command will never be known to the server: its successors follow its predecessor.
export async function unlink(opId) {
  const transaction = (await database()).transaction("commands", "readwrite");
  const found = await transaction.store.index("op_id").get(opId);
  if (found) await skip(transaction.store, found);
  await transaction.done;
}

async function skip(store, gone) {
  for (const each of await store.getAll()) {
    if (each.after === gone.op_id && each.tries === 0) await store.put({ ...each, after: gone.after });
  }
}

export async function blob(id) {
  return (await database()).get("blobs", id);
}

export async function markBlob(id, changes) {
  const transaction = (await database()).transaction("blobs", "readwrite");
  const found = await transaction.store.get(id);
  if (found) await transaction.store.put({ ...found, ...changes });
  await transaction.done;
}

// The photos of a command that arrived need room for nothing more.
export async function dropBlobs(found) {
  const transaction = (await database()).transaction("blobs", "readwrite");
  for (const id of Object.values(found.files ?? {})) await transaction.store.delete(id);
  await transaction.done;
}

// What is settled is kept for the queue page's last lines, and as long as the pack does not show it.
const KEPT = 30;

export async function prune(packAskedAt) {
  const transaction = (await database()).transaction("commands", "readwrite");
  const all = await transaction.store.getAll();
  const settled = all.filter((each) => !PENDING.includes(each.state) && !STUCK.includes(each.state));
  const last = new Map(all.map((each) => [each.number, each.op_id]));
  for (const each of settled.slice(0, -KEPT)) {
    if (each.answered_at < packAskedAt && last.get(each.number) !== each.op_id) await transaction.store.delete(each.seq);
  }
  await transaction.done;
}

export async function unsent(uid = me) {
  return (await commands(uid)).filter((each) => PENDING.includes(each.state) || STUCK.includes(each.state));
}

// Nothing of a person stays but what he has not sent yet.
export async function forget(uid) {
  const db = await database(uid);
  const kept = (await db.getAll("commands")).some((each) => [...PENDING, ...STUCK].includes(each.state));
  await db.delete("meta", "pack");
  await db.delete("meta", "papers");
  if (kept) return;
  const transaction = db.transaction(["commands", "blobs"], "readwrite");
  await transaction.objectStore("commands").clear();
  await transaction.objectStore("blobs").clear();
  await transaction.done;
}
