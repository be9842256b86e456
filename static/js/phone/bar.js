// The line at the top of every page of the telephone: what is not sent yet, and why.
import { STUCK, commands, me } from "./outbox.js";
import { clock } from "./pack.js";
import { standing } from "./sender.js";
import { make, say, when } from "./dom.js";

const SKEW = 120_000;
let line = null;

function place() {
  line ??= document.querySelector("[data-phone-bar]");
  return line;
}

export async function drawBar() {
  if (!place() || !me) return;
  const all = await commands();
  const unsent = all.filter((each) => each.state === "unsent");
  const waiting = all.filter((each) => each.state === "waiting");
  const stuck = all.filter((each) => STUCK.includes(each.state));
  const { offset } = await clock();
  const parts = [];
  if (stuck.length) parts.push(["bad", say("stuck", stuck.length), "/phone/queue/"]);
  if (unsent.length) {
    const oldest = when(Math.min(...unsent.map((each) => Date.parse(each.happened_at))));
    const login = standing.why === "login";
    const text = login ? say("unsentLogin", unsent.length) : say("unsent", unsent.length, oldest);
    parts.push([login ? "bad" : "wait", text, login ? loginAddress() : "/phone/queue/"]);
  } else if (waiting.length) {
    parts.push(["wait", say("waiting", waiting.length), "/phone/queue/"]);
  }
  if (standing.why === "foreign") parts.push(["bad", say("foreign"), "/phone/queue/"]);
  if (standing.why === "offline" && !parts.length) parts.push(["info", say("offline"), "/phone/queue/"]);
  if (offset !== null && Math.abs(offset) > SKEW) {
    const minutes = Math.round(Math.abs(offset) / 60_000);
    parts.push(["wait", say(offset > 0 ? "slow" : "fast", minutes), "/phone/queue/"]);
  }
  const shown = parts.map(([tone, text, href]) => make(`a.outbox-line.outbox-${tone}`, { href }, text));
  if (line.textContent !== shown.map((each) => each.textContent).join("")) line.replaceChildren(...shown);
  line.hidden = parts.length === 0;
}

function loginAddress() {
  const url = new URL(standing.login || "/log-in/", location.origin);
  url.searchParams.set("next", location.pathname);
  return url.pathname + url.search;
}

export function bar() {
  document.addEventListener("outbox:change", () => drawBar());
  drawBar();
}
