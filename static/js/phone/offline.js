// The pages of the telephone without the server: the same addresses, drawn from the pack with the
// commands that wait laid over it.
import { actOf, showErrors } from "./acts.js";
import { command, commands } from "./outbox.js";
import { laid, nextVerb, openVerbs, overlay } from "./overlay.js";
import { pack, packAskedAt } from "./pack.js";
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
  const visits = held.visits.map((visit) => overlay(visit, laid(all, visit.number, asked), held.machine));
  const path = location.pathname;
  if (path === "/visits/today/") return drawDay(held, visits, asked);
  const act = actOf(path);
  const number = act?.number ?? /^\/visits\/([^/]+)\/$/.exec(path)?.[1];
  const visit = visits.find((each) => each.number === number);
  if (!visit) return lost("notHere");
  if (!act) return drawVisit(held, visit, asked);
  if (!visit.forms[act.verb]) return lost("needsNetwork", visit);
  return drawForm(held, visit, act.verb);
}

function show(title, { backTo = "", big = null } = {}, ...content) {
  heading.textContent = title;
  document.title = title;
  back.hidden = !backTo;
  if (backTo) back.href = backTo;
  thumb.replaceChildren(...(big ? [big] : []));
  page.replaceChildren(...content);
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
function drawn(text, visit) {
  const part = html(text);
  const pill = part.querySelector(".pill");
  const now = copy(`status-${visit.status}`);
  if (pill && now) pill.replaceWith(now);
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
  if (first) content.push(drawn(first.hero, first));
  for (const { title, visits: those } of found) {
    const rest = those.filter((visit) => visit !== first);
    if (!rest.length) continue;
    content.push(make("p.day", {}, title), make("ul.tap-list", {}, ...rest.map((visit) => drawn(visit.tap, visit))));
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
  const row = make("div.thumb-row");
  if (visit.forms[verb]) row.append(button(held, visit, verb));
  // The signature needs the server so far: say it instead of failing.
  else return make("div.thumb-bar", {}, make("p.thumb-note", {}, say("nextNeedsNetwork", held.machine[verb]?.label ?? verb)));
  const [second] = (SECOND[verb] ?? []).filter((each) => visit.forms[each] && held.machine[each].sources.includes(visit.status));
  if (second) row.append(button(held, visit, second, "btn-plain"));
  return make("div.thumb-bar", {}, row);
}

// What stands beside the big button, as in templates/visits/_thumb.html.
const SECOND = { leave_note: ["meet"], start_work: ["wait_for_customer"], accept: ["send_back"] };

function drawVisit(held, visit, asked) {
  const next = nextVerb(visit, held.next);
  const content = [age(asked)];
  if (visit.unsent.length) content.push(notice("wait", say("onThisPhone"), make("ul.plain-list", {}, ...visit.unsent.map(line))));
  content.push(drawn(visit.hero, visit));
  const script = visit.forms[next]?.script;
  if (script) content.push(notice("info", say("speak"), make("p", {}, script)));
  content.push(html(visit.about));
  const more = openVerbs(visit, held.machine).filter((verb) => verb !== next && verb !== "flag_complaint");
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
  const { html: markup } = visit.forms[verb];
  const where = make("p.act-where", {}, `${visit.title} · `, make("span.number", {}, visit.number));
  const wrong = await toMend();
  show(step.label, { backTo: visit.url }, where, html(markup));
  const form = page.querySelector(`form[action$="/${verb}/"]`);
  if (form && wrong) mend(form, wrong);
}

async function toMend() {
  const opId = new URLSearchParams(location.search).get("mend");
  return opId ? ((await command(opId)) ?? null) : null;
}

// The form as it was sent, with what was wrong with it.
function mend(form, wrong) {
  for (const [name, value] of Object.entries(wrong.fields)) {
    const values = [value].flat();
    const controls = form.querySelectorAll(`[name="${CSS.escape(name)}"]`);
    controls.forEach((control) => {
      if (control.type === "checkbox" || control.type === "radio") control.checked = values.includes(control.value);
      else if (control.type !== "hidden") [control.value] = values;
    });
  }
  for (const control of form.querySelectorAll("[type=checkbox]")) {
    if (!(control.name in wrong.fields)) control.checked = false;
  }
  form.dataset.replaces = wrong.op_id;
  form.dispatchEvent(new Event("change", { bubbles: true }));
  showErrors(form, wrong);
}
