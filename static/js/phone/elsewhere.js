// What the server could not record, sent from another telephone of the same person: it is shown on each of his.
import { adopt, remove } from "./outbox.js";
import { ask, json } from "./server.js";

let found = [];

// The answer to the last question; the page is drawn more often than the server is asked.
export const elsewhere = (all) => {
  const own = new Set(all.map((each) => each.op_id));
  return found.filter((each) => !own.has(each.op_id) && !each.replaced_by);
};

export async function lookElsewhere(all) {
  try {
    const answer = await ask("/phone/commands/");
    const said = await json(answer);
    if (!answer.ok) return;
    found = said.commands;
    // Mended or thrown away there meanwhile.
    const open = new Set(found.map((each) => each.op_id));
    for (const each of all) if (each.adopted && each.state === "refused" && !open.has(each.op_id)) await remove(each.op_id);
  } catch {
    // Without a network it shows what it knew.
  }
}

// To be mended here, it must lie here; its files stay with the server.
export function take(each) {
  return adopt({ ...each, files: {}, state: "refused", tries: 1, adopted: true });
}
