// What a visit looks like when the commands that the server has not heard of are laid over the pack.
import { PENDING } from "./outbox.js";

// The commands that the pack does not know of yet.
export function laid(commands, number, packAskedAt) {
  return commands.filter(
    (each) =>
      each.number === number &&
      (PENDING.includes(each.state) || (each.state === "done" && each.answered_at >= packAskedAt)),
  );
}

// `done` maps a verb to when it was done last ("" if the pack does not say).
export function overlay(visit, commands, { machine, next }) {
  let { status } = visit;
  const done = new Map([...visit.done.map((verb) => [verb, ""]), ...Object.entries(visit.times)]);
  for (const each of commands) {
    const step = machine[each.verb];
    if (!step?.sources.includes(status)) continue;
    if (step.target) status = step.target;
    if (isWhole(each, next)) done.set(each.verb, each.happened_at);
  }
  return { ...visit, status, done, unsent: commands.filter((each) => PENDING.includes(each.state)) };
}

// A record of work counts when it has what the next step asks for.
function isWhole(each, rules) {
  const needed = rules.find((rule) => rule.when_done === each.verb)?.filled ?? [];
  return needed.every((name) => String(each.fields[name] ?? "").trim());
}

// The big button: the first rule of the pack that fits; "" where it is somebody else's turn.
export function nextVerb(visit, rules, now = Date.now()) {
  return rules.find((rule) => fits(rule, visit, now))?.verb ?? "";
}

function fits(rule, visit, now) {
  if (rule.status !== visit.status) return false;
  if (rule.unless_done && visit.done.has(rule.unless_done)) return false;
  if (rule.when_done && !visit.done.has(rule.when_done)) return false;
  if (rule.minutes_after) {
    const [verb, minutes] = rule.minutes_after;
    const at = visit.done.get(verb);
    if (at === undefined || (at && now - Date.parse(at) < minutes * 60_000)) return false;
  }
  return true;
}

// All that may be done now on this telephone.
export function openVerbs(visit, machine) {
  return Object.keys(machine).filter((verb) => machine[verb].sources.includes(visit.status) && visit.forms[verb]);
}

// What counts down now, as visits/clocks.py has it.
export function counting(visit, now = Date.now()) {
  return visit.counts.filter(({ statuses, since, until }) =>
    statuses.includes(visit.status) && (!since || now >= Date.parse(since)) && (!until || now < Date.parse(until)));
}

const AHEAD = ["appointed", "en_route"];
const ON_SITE = ["arrived", "waiting", "working", "interrupted"];
const ARRANGING = ["assigned", "accepted", "missed"];

// When the engineer is taken by a visit, as visits/queries.py `clashes` has it.
function taken({ status, leave_at, window_until, planned_from, planned_until, travel_minutes }, now) {
  if (leave_at && AHEAD.includes(status)) return [Date.parse(leave_at), Date.parse(window_until)];
  if (leave_at && ON_SITE.includes(status)) return [Date.parse(leave_at), Math.max(Date.parse(window_until), now)];
  if (planned_from && ARRANGING.includes(status)) return [Date.parse(planned_from) - travel_minutes * 60_000, Date.parse(planned_until)];
  return null;
}

// The other visit that stands in the way, travel included.
export function clashing(visit, visits, now = Date.now()) {
  const mine = taken(visit, now);
  return mine && visits.find((other) => {
    const theirs = other.number !== visit.number && taken(other, now);
    return theirs && mine[0] < theirs[1] && theirs[0] < mine[1];
  });
}
