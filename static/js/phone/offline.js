// The pages of the telephone without the server: the same addresses, drawn from the pack with the
// commands that wait laid over it.
import { actOf, showErrors } from "./acts.js";
import { command, commands } from "./outbox.js";
import { clashing, counting, laid, nextVerb, openVerbs, overlay } from "./overlay.js";
import { pack, packAskedAt } from "./pack.js";
import { countNow } from "../remaining.js";
import { copy, icon, make, notice, say, when } from "./dom.js";

const page = document.getElementById("content");
const heading = document.querySelector(".phone-title");
const back = document.querySelector("[data-back]");
const thumb = document.querySelector("[data-thumb]");

// Draws what the address names; the shell has nothing of its own.
export async function drawLocal() {
  const held = await pack().catch(() => null);
  if (!held) return lost("noPack");
  const asked = await packAskedAt();
  const all = await commands();
  const visits = held.visits.map((visit) => overlay(visit, laid(all, visit.number, asked), held));
  const path = location.pathname;
  if (path === "/visits/today/") return drawDay(held, visits, asked);
  const act = actOf(path);
  const number = act?.number ?? /^\/visits\/([^/]+)\/$/.exec(path)?.[1];
  const visit = visits.find((each) => each.number === number);
  if (!visit) return lost(number ? "notHere" : "needsNetwork");
  if (!act) return drawVisit(held, visit, asked, visits);
  if (!visit.forms[act.verb] || !held.machine[act.verb].form) return lost("needsNetwork", visit);
  return drawForm(held, visit, act.verb);
}

function show(title, { backTo = "", big = null } = {}, ...content) {
  heading.textContent = title;
  document.title = title;
  back.hidden = !backTo;
  if (backTo) back.href = backTo;
  thumb.replaceChildren(...(big ? [big] : []));
  page.replaceChildren(...content);
  countNow();
  // The other scripts look at what is new as at a part that htmx brought in.
  document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: page } }));
}

function lost(key, visit = null) {
  const again = make("a.btn.btn-primary", { href: location.pathname }, icon("refresh"), say("tryAgain"));
  const home = visit ? visit.url : "/visits/today/";
  show(
    visit?.title ?? say("today"),
    { backTo: location.pathname === "/visits/today/" ? "" : home },
    make("div.empty-state", {}, make("span.empty-mark", {}, icon("wifi-off")), make("p.empty-title", {}, say("noNetwork")),
      make("p.empty-text", {}, say(key)), again),
  );
}

function age(asked) {
  return make("p.pack-age", {}, icon("cloud-off"), say("asOf", when(asked)));
}

function html(text) {
  const made = document.createElement("template");
  made.innerHTML = text;
  return made.content;
}

// A part that the server drew, with the status as this telephone knows it.
function drawn(text, visit, visits) {
  const part = html(text);
  const pill = part.querySelector(".pill");
  const now = copy(`status-${visit.status}`);
  if (pill && now) pill.replaceWith(now);
  const other = clashing(visit, visits);
  part.querySelector("[data-counts]")?.append(
    other ? make("span.pill.pill-bad", {}, icon("calendar-x"), say("clash", when(other.leave_at ? other.window_from : other.planned_from), other.title)) : "",
    ...counting(visit).map(chip),
  );
  if (visit.unsent.length) part.querySelector(".tap-top")?.append(make("span.unsent-mark", {}, icon("cloud-upload"), say("notSent", visit.unsent.length)));
  return part;
}

// --- the day -------------------------------------------------------------------------------------

function sections(visits) {
  const midnight = new Date().setHours(24, 0, 0, 0);
  return JSON.parse(document.getElementById("day-sections").dataset.sections).map(({ title, statuses, tonight }) => ({
    title,
    visits: visits.filter((visit) => {
      if (!statuses.includes(visit.status)) return false;
      if (!tonight) return true;
      return tonight === "before" ? Date.parse(visit.window_from) < midnight : Date.parse(visit.window_from) >= midnight;
    }),
  }));
}

function drawDay(held, visits, asked) {
  const found = sections(visits);
  const [first] = found.slice(0, 4).flatMap((section) => section.visits);
  const content = [age(asked)];
  if (first) content.push(drawn(first.hero, first, visits));
  for (const { title, visits: those } of found) {
    const rest = those.filter((visit) => visit !== first);
    if (!rest.length) continue;
    content.push(make("p.day", {}, title), make("ul.tap-list", {}, ...rest.map((visit) => drawn(visit.tap, visit, visits))));
  }
  if (!first && content.length === 1) {
    content.push(make("div.empty-state", {}, make("span.empty-mark", {}, icon("mood-smile")), make("p.empty-title", {}, say("nothing"))));
  }
  show(say("todayCount", found[0].visits.length + found[1].visits.length), { big: first && bigButton(held, first) }, ...content);
}

// --- one visit -----------------------------------------------------------------------------------

function button(held, visit, verb, style = "btn-primary") {
  const step = held.machine[verb];
  const address = `${visit.url}${verb}/`;
  if (!step.one_tap) return make(`a.btn.${style}`, { href: address }, icon(step.icon), step.label);
  return make("form", { method: "post", action: address }, make(`button.btn.${style}`, { type: "submit" }, icon(step.icon), step.label));
}

function bigButton(held, visit) {
  const verb = nextVerb(visit, held.next);
  if (!verb) return null;
  if (verb === "present_form" && visit.done.has(verb)) return signing(visit);
  const row = make("div.thumb-row");
  if (visit.forms[verb]) row.append(button(held, visit, verb));
  // The signature needs the server so far: say it instead of failing.
  else return make("div.thumb-bar", {}, make("p.thumb-note", {}, say("nextNeedsNetwork", held.machine[verb]?.label ?? verb)));
  const [second] = (SECOND[verb] ?? []).filter((each) => visit.forms[each] && held.machine[each].sources.includes(visit.status));
  if (second) row.append(button(held, visit, second, "btn-plain"));
  return make("div.thumb-bar", {}, row);
}

// Shown for signature here: the customer signs, the engineer does it later with his log-in.
function signing(visit) {
  if (visit.unsent.some((each) => each.verb === "sign_offline")) return make("div.thumb-bar", {}, make("p.thumb-note", {}, say("customerDone")));
  return make("div.thumb-bar", {}, make("div.thumb-row", {}, make("a.btn.btn-primary", { href: `${visit.url}sign/?local` }, icon("signature"), say("signHere"))));
}

// What stands beside the big button, as in templates/visits/_thumb.html.
const SECOND = { leave_note: ["meet"], start_work: ["wait_for_customer"], accept: ["send_back"] };

function drawVisit(held, visit, asked, visits) {
  const next = nextVerb(visit, held.next);
  const content = [age(asked)];
  if (visit.unsent.length) content.push(notice("wait", say("onThisPhone"), make("ul.plain-list", {}, ...visit.unsent.map(line))));
  content.push(drawn(visit.hero, visit, visits));
  content.push(quick(held, visit));
  if (visit.status === "waiting") content.push(waiting(held, visit));
  // Once something is recorded here, the server's deadlines are no longer the truth.
  if (visit.deadlines.length && !visit.unsent.length) content.push(make("p.chips", {}, ...visit.deadlines.map(chip)));
  const script = visit.forms[next]?.script;
  if (script) content.push(notice("info", say("speak"), make("p", {}, script)));
  content.push(html(visit.about));
  const more = openVerbs(visit, held.machine).filter((verb) => verb !== next && verb !== "flag_complaint" && !held.quick.includes(verb));
  if (more.length) {
    content.push(
      make("section.panel.panel-flush", {}, make("header.panel-head", {}, make("h2", {}, say("more"))),
        make("div.panel-body", {}, make("ul.act-list", {}, ...more.map((verb) => make("li", {}, entry(held, visit, verb)))))),
    );
  }
  if (openVerbs(visit, held.machine).includes("flag_complaint")) {
    const step = held.machine.flag_complaint;
    content.push(make("p", {}, make("a.btn.btn-quiet-danger.btn-wide", { href: `${visit.url}flag_complaint/` }, icon(step.icon), step.label)));
  }
  show(visit.title, { backTo: "/visits/today/", big: bigButton(held, visit) }, ...content);
}

// What must be at hand, as in templates/visits/_quick.html.
function quick(held, visit) {
  const open = openVerbs(visit, held.machine);
  return make("div.quick", {}, ...held.quick.filter((verb) => open.includes(verb)).map((verb) => button(held, visit, verb, "btn-plain")),
    ...held.photos[visit.status].map(([purpose, label]) =>
      make("form.photo-tap", { method: "post", action: `${visit.url}attach/` }, make("input", { type: "hidden", name: "purpose", value: purpose }),
        make("label.btn.btn-plain", {}, icon("camera"), label,
          make("input", { type: "file", name: "file", accept: "image/*", capture: "environment", "data-camera": true, "data-photo-tap": true })))));
}

// The quarter of an hour for an absent customer; js/phone/waiting.js counts.
function waiting(held, visit) {
  const { minutes_after: [verb, minutes] } = held.next.find((rule) => rule.minutes_after);
  const until = Date.parse(visit.done.get(verb)) + minutes * 60_000;
  return make("div.wait-clock", { "data-wait-until": new Date(until).toISOString() });
}

// A countdown, as templates/components/remaining.html draws it; js/remaining.js counts.
function chip({ label, due_at, warn = 1800, urgent = 600 }) {
  return make("span.chip", { "data-remaining": true, "data-due": due_at, "data-warn": warn, "data-urgent": urgent },
    make("span.chip-label", {}, label), make("time", { datetime: due_at }));
}

function line(each) {
  return make("li", {}, `${when(each.happened_at)} ${each.label}`);
}

function entry(held, visit, verb) {
  const step = held.machine[verb];
  return make("a", { href: `${visit.url}${verb}/` }, icon(step.icon), make("span", {}, step.label), icon("chevron-right"));
}

// --- the form of an act --------------------------------------------------------------------------

async function drawForm(held, visit, verb) {
  const step = held.machine[verb];
  const where = make("p.act-where", {}, `${visit.title} · `, make("span.number", {}, visit.number));
  const wrong = await toMend();
  const { script, intro } = visit.forms[verb];
  const form = formOf(held, visit, verb, wrong);
  const call = CALLING.has(verb) ? html(visit.hero).querySelector(".hero-call") : null;
  if (call && verb === "log_attempt") call.removeAttribute("data-after-call");
  call?.classList.replace("hero-call", "btn-wide");
  show(
    step.label,
    { backTo: visit.url },
    where,
    call ? make("p", {}, call) : "",
    script ? notice("info", say("speak"), make("p", {}, script)) : "",
    intro ? notice("info", "", make("p.intro", {}, intro)) : "",
    make("section.panel", {}, make("div.panel-body", {}, form)),
  );
  if (wrong) showErrors(form, wrong);
}

async function toMend() {
  const opId = new URLSearchParams(location.search).get("mend");
  return opId ? ((await command(opId)) ?? null) : null;
}

// Acts during which one telephones, as in templates/visits/act_phone.html.
const CALLING = new Set(["appoint", "rearrange", "log_attempt", "tell_late", "wait_for_customer"]);

// The unfilled form of the pack with the values of this visit; or as it was sent, to be mended.
function formOf(held, visit, verb, wrong) {
  const form = html(held.forms[verb].html.replaceAll("__NUMBER__", visit.number)).querySelector("form");
  const { values = {}, without = [], options = {} } = visit.forms[verb];
  for (const name of without) form.querySelector(`[name="${name}"]`)?.closest(".field").remove();
  for (const [name, choices] of Object.entries(options)) {
    const select = form.querySelector(`select[name="${name}"]`);
    for (const [value, label] of choices) select?.add(new Option(label, value));
  }
  if (wrong) {
    const empty = Object.fromEntries([...form.querySelectorAll("[name]")].map(({ name }) => [name, ""]));
    fill(form, { ...empty, ...wrong.fields });
    form.dataset.replaces = wrong.op_id;
  } else {
    fill(form, values);
    if (verb === "record_work") form.dataset.draft = `visit-${visit.number}`;
  }
  return form;
}

function fill(form, values) {
  for (const [name, value] of Object.entries(values)) {
    const wanted = [value].flat();
    for (const control of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (control.type === "checkbox" || control.type === "radio") control.checked = wanted.includes(control.value);
      else if (!["hidden", "file", "submit"].includes(control.type)) control.value = wanted[0] ?? "";
    }
  }
}
