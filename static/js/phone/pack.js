// The pack: today's and tomorrow's visits with all they need, as the server sees them.
import { commands, device, me, meta, prune, setMeta } from "./outbox.js";
import { Foreign, LoggedOut, ask, json, ping, post } from "./server.js";

const FRESH = 60_000;

export async function pack() {
  return (await meta("pack"))?.content ?? null;
}

export async function packAskedAt() {
  return (await meta("pack"))?.asked_at ?? 0;
}

// Fetches the pack if it is older than a minute, or `now`; tells whether it is another one.
export async function renewPack({ now = false } = {}) {
  const held = await meta("pack");
  if (!now && held && Date.now() - held.asked_at < FRESH) return false;
  const asked = Date.now();
  const headers = held?.etag ? { "If-None-Match": held.etag } : {};
  const answer = await ask("/phone/pack/", { headers, background: true, patience: 30_000 });
  if (answer.status === 304) {
    await setMeta("pack", { ...held, asked_at: asked });
  } else if (answer.ok) {
    const content = await json(answer);
    if (content.user?.uid !== me) return false;
    await setMeta("pack", { content, asked_at: asked, etag: answer.headers.get("ETag") });
  } else {
    return false;
  }
  await prune(asked);
  const { content } = await meta("pack");
  // Not waited for: what shows pages does not need it.
  import("./papers.js").then(({ renewPapers }) => renewPapers(content.visits)).catch(() => {});
  return answer.status !== 304;
}

// Tells the desk how much this telephone still holds.
export async function report() {
  const open = (await commands()).filter((each) => each.state === "unsent");
  const oldest = open.map((each) => each.happened_at).sort()[0] ?? null;
  const content = { device: await device(), unsent: open.length, oldest_at: oldest, clock_offset_ms: (await clock()).offset, app: document.body.dataset.app ?? "" };
  await post("/phone/sync/", content, { background: true });
}

export async function clock() {
  return (await meta("clock")) ?? { offset: null, at: 0 };
}

// Measures the clock, and with it whether the server is there and for whom.
export async function measure() {
  const said = await ping();
  if (!said.user) throw new LoggedOut("/log-in/");
  if (said.user !== me) throw new Foreign(said.user);
  if (said.offset !== null) await setMeta("clock", { offset: said.offset, at: Date.now() });
  return said;
}
