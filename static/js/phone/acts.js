// Takes over the forms of acts: a tap becomes a command in the outbox, and is sent at once if it can be.
// Online one goes on as the server says, or sees the errors at the fields; offline the telephone goes on
// by itself. Where nothing can be stored, the tap is refused, visibly.
import { add, command, me, mark } from "./outbox.js";
import { clock, pack } from "./pack.js";
import { prepared } from "./photos.js";
import { flush, standing, wakeMeUp } from "./sender.js";
import { make, notice, say } from "./dom.js";

const ACT = /^\/visits\/([^/]+)\/([^/]+)\/$/;
// Pages of their own, not verbs of the visit.
const OTHERS = new Set(["share", "hand-over", "resolve-ticket", "sign", "badge", "note"]);
// So long a tap waits for the server before the telephone goes on alone.
const PATIENCE = 6_000;
export const SAID = "desk-phone-said";

export function actOf(address) {
  const url = new URL(address, location.origin);
  const [, number, verb] = ACT.exec(url.pathname) ?? [];
  return url.origin === location.origin && number && !OTHERS.has(verb) ? { number, verb } : null;
}

function collect(form, submitter) {
  const fields = {};
  const files = {};
  for (const [name, value] of new FormData(form)) {
    if (name === "csrfmiddlewaretoken") continue;
    if (value instanceof File) {
      if (value.size || value.name) files[name] = value;
    } else if (name in fields) {
      fields[name] = [fields[name], value].flat();
    } else {
      fields[name] = value;
    }
  }
  // The button that was tapped may say something, too.
  if (submitter?.name) fields[submitter.name] = submitter.value;
  return { fields, files };
}

async function store(form, { number, verb }, submitter) {
  const { fields, files } = collect(form, submitter);
  const blobs = {};
  for (const [name, file] of Object.entries(files)) blobs[name] = await prepared(file);
  const held = await pack().catch(() => null);
  const { offset } = await clock();
  const shown = document.body.dataset.version ?? held?.visits.find((visit) => visit.number === number)?.version;
  return add(
    {
      op_id: crypto.randomUUID(),
      user: me,
      subject: "visits.visitorder",
      number,
      verb,
      label: held?.machine?.[verb]?.label ?? form.querySelector("button[type=submit]:enabled")?.textContent.trim() ?? verb,
      title: held?.visits.find((visit) => visit.number === number)?.title ?? "",
      fields,
      files: Object.fromEntries(Object.entries(blobs).map(([name, each]) => [name, each.id])),
      base_version: shown === undefined ? null : Number(shown),
      happened_at: new Date().toISOString(),
      clock_offset_ms: offset,
      app: document.body.dataset.app ?? "",
      replaces: form.dataset.replaces || null,
    },
    Object.values(blobs),
  );
}

async function submit(form, act, submitter) {
  clearErrors(form);
  if (!form.checkValidity()) {
    form.reportValidity();
    return;
  }
  form.dataset.sending = "";
  form.setAttribute("aria-busy", "true");
  try {
    let stored;
    try {
      stored = await store(form, act, submitter);
    } catch (error) {
      notStored(form, error);
      free(form);
      return;
    }
    document.dispatchEvent(new CustomEvent("outbox:change"));
    if (stored.replaces) await mark(stored.replaces, { state: "replaced", answered_at: Date.now() });
    await Promise.race([flush({ now: true }), new Promise((done) => { setTimeout(done, PATIENCE); })]);
    if (await goOn(form, act, stored)) return;
  } catch (error) {
    free(form);
    throw error;
  }
  free(form);
}

function free(form) {
  delete form.dataset.sending;
  form.removeAttribute("aria-busy");
}

// Whether the page is left; until then the form stays as it was sent.
async function goOn(form, { number, verb }, stored) {
  const now = await command(stored.op_id);
  if (now?.state === "refused" || now?.state === "broken") {
    form.dataset.replaces = now.op_id;
    // What was typed is a draft again.
    form.dispatchEvent(new Event("input", { bubbles: true }));
    showErrors(form, now);
    return false;
  }
  if (now?.state === "done") {
    if (now.message) leaveWord(now.message);
    location.assign(now.next || `/visits/${number}/`);
    return true;
  }
  wakeMeUp();
  if (navigator.serviceWorker?.controller) {
    leaveWord(say(standing.why === "login" ? "storedLogin" : "stored"));
    location.assign(`/visits/${number}/${verb === "present_form" ? "sign/" : ""}?local`);
    return true;
  }
  // No service worker (WeChat): the page stays and says so.
  form.replaceChildren(notice("wait", say("stored"), make("p", {}, say("storedHere"))));
  return false;
}

function leaveWord(text) {
  try {
    sessionStorage.setItem(SAID, text);
  } catch {
    // It is said by the page itself, too.
  }
}

// --- errors, drawn as the server draws them -------------------------------------------------------

export function showErrors(form, { message = "", errors = {} }) {
  const items = [];
  const general = [...(errors[""] ?? [])];
  for (const [name, texts] of Object.entries(errors)) {
    if (!name) continue;
    const field = form.querySelector(`[name="${CSS.escape(name)}"]`)?.closest(".field");
    if (!field) {
      general.push(...texts);
      continue;
    }
    for (const control of field.querySelectorAll("[name]")) {
      control.classList.add("is-invalid");
      control.setAttribute("aria-invalid", "true");
    }
    field.hidden = false;
    const id = `${field.querySelector("[name]").id || name}_error`;
    field.append(make("ul.field-errors", { id }, ...texts.map((text) => make("li", {}, text))));
    for (const control of field.querySelectorAll("[name]")) control.setAttribute("aria-errormessage", id);
    const label = field.querySelector("legend, label")?.firstChild?.textContent.trim() ?? name;
    items.push(make("li", {}, make("a", { href: `#${field.querySelector("[name]").id}` }, label), `：${texts[0]}`));
  }
  if (!general.length && !items.length && message) general.push(message);
  const box = notice("bad", general.join(" "), items.length ? make("ul", {}, ...items) : "");
  box.setAttribute("tabindex", "-1");
  box.dataset.formErrors = "";
  if (form.classList.contains("desk-form")) {
    form.querySelector("[data-form-errors]")?.remove();
    form.prepend(box);
  } else {
    // The big button has no form to show it in.
    document.querySelector("#content [data-form-errors]")?.remove();
    document.getElementById("content").prepend(box);
  }
  box.focus();
}

function clearErrors(form) {
  for (const each of form.querySelectorAll(".field-errors, [data-form-errors]")) each.remove();
  for (const each of form.querySelectorAll(".is-invalid")) {
    each.classList.remove("is-invalid");
    each.removeAttribute("aria-invalid");
    each.removeAttribute("aria-errormessage");
  }
}

// The telephone is full, or its storage is closed to us: nothing was recorded, and it says so.
function notStored(form, error) {
  const full = error?.name === "QuotaExceededError";
  const direct = make("button.btn.btn-plain", { type: "button" }, say("sendDirectly"));
  direct.addEventListener("click", () => form.submit());
  showErrors(form, { message: say(full ? "full" : "notStored") });
  document.querySelector("[data-form-errors] > div").append(make("p", {}, say("notStoredHelp")), direct);
}

// --- the page ------------------------------------------------------------------------------------

export function acts() {
  // On the way down, before others see it: this form is not sent by the browser.
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (form.method !== "post" || !me || document.body.dataset.noStore !== undefined) return;
      const act = actOf(event.submitter?.formAction && event.submitter.hasAttribute("formaction") ? event.submitter.formAction : form.action);
      if (!act) return;
      event.preventDefault();
      if (form.dataset.sending === undefined) submit(form, act, event.submitter);
    },
    true,
  );
  // Coming back by the back button shows the page as it was left.
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sending]").forEach(free));
  let said = null;
  try {
    said = sessionStorage.getItem(SAID);
    sessionStorage.removeItem(SAID);
  } catch {
    // Nothing was left.
  }
  return said;
}
