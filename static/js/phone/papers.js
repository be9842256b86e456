// What is taken along so that a customer can sign without a network: of each visit the form, and a pad
// that is good for one signature. Both are fetched beside the pack, while there is a network.
import { device, meta, setMeta } from "./outbox.js";
import { json, post } from "./server.js";

export const SUBJECT = "visits.visitorder";
const SIGNED = new Set(["signed", "handed_in", "archived", "cancelled"]);
// A pad lives for three days.
const PAD_AGE = 36 * 3_600_000;
// Perhaps the engineer has set his PIN meanwhile.
const WITHOUT_PIN = 600_000;
let running = null;

export async function papers() {
  return (await meta("papers")) ?? {};
}

export function renewPapers(visits) {
  running ??= renew(visits).finally(() => { running = null; });
  return running;
}

async function renew(visits) {
  for (const { number, version, status } of visits) {
    if (SIGNED.has(status)) continue;
    const old = (await papers())[number];
    const good = old?.pad && Date.now() - old.pad_at < PAD_AGE;
    if (old?.version === version && (good || (!old.pin && Date.now() - old.asked_at < WITHOUT_PIN))) continue;
    const asked = Date.now();
    const answer = await post("/phone/papers/", { subject: SUBJECT, number, device: await device(), pad: !good }, { background: true });
    const found = await json(answer);
    if (!answer.ok) continue;
    const pad = good ? { pad: old.pad, pad_at: old.pad_at } : { pad_at: asked };
    await keep(number, { ...found, ...pad, asked_at: asked });
  }
  const numbers = new Set(visits.map((visit) => visit.number));
  for (const number of Object.keys(await papers())) if (!numbers.has(number)) await keep(number, null);
}

export async function keep(number, paper) {
  const { [number]: _old, ...others } = await papers();
  await setMeta("papers", paper ? { ...others, [number]: paper } : others);
}
