// The form of a visit as this telephone knows it: what the server had, with the acts that wait laid over.
// What is shown, and what of it is hashed, must be what the server prints later (visits/pdf.py).
const MOMENT = /(_at|_from|_until|\.since|\.until)$/;
const TEXTS = [
  "findings", "cause", "work_done", "changes_made", "data_consent_by", "tested_by", "test_result", "next_step", "advice",
  "other_needs",
];
// Acts that leave the form as it is.
const NOTHING = new Set(["prepare", "log_attempt", "tell_late", "flag_complaint", "attach", "consult", "present_form", "refuse_new_time", "sign_offline"]);

// The data of the form after the commands; null where only the server knows what comes of them.
export function recordOf(paper, commands, forms, parts = []) {
  const data = structuredClone(paper.data);
  let last = 0;
  for (const each of commands) {
    // As the server does: by its own clock, and never before the tap that came before.
    const heard = Date.parse(each.happened_at) + (each.clock_offset_ms ?? 0);
    last = each.state === "done" && each.at ? Date.parse(each.at) : Math.max(heard, last);
    const form = Object.fromEntries(Object.entries(each.fields).map(([name, value]) => [name, [value].flat()[0]?.trim() ?? ""]));
    const typed = (name) => (form[name] ? new Date(`${form[name].slice(0, 16)}${paper.offset}`).toISOString() : null);
    const at = typed("at") ?? new Date(last).toISOString();
    if (NOTHING.has(each.verb)) continue;
    if (!ACTS[each.verb]?.({ data, form, at, typed, parts, more: paper.more, choice: (name) => label(forms, each.verb, name, form[name]) })) return null;
  }
  return data;
}

function label(forms, verb, name, value) {
  if (!value) return "";
  const part = document.createElement("template");
  part.innerHTML = forms[verb].html;
  const at = `[name="${name}"]`;
  const option = part.content.querySelector(`select${at} option[value="${CSS.escape(value)}"]`);
  const box = part.content.querySelector(`input${at}[value="${CSS.escape(value)}"]`);
  return (option ?? box?.closest("label") ?? part.content.querySelector(`label[for="${box?.id}"]`))?.textContent.trim() ?? null;
}

const moment = (name) => ({ data, at }) => {
  data.on_site[name] = at;
  return true;
};

// The last one that still lasts.
function ends({ data, at }) {
  const open = data.on_site.stood_still.findLast((each) => !each.until);
  if (open) open.until = at;
  return Boolean(open);
}

const ACTS = {
  accept({ data, form }) {
    data.first_judgement = form.first_judgement;
    return true;
  },
  appoint({ data, form, typed }) {
    // Another one has rows of its own, with the notice that was given.
    if (data.appointment.window_from) return false;
    const from = typed("window_from");
    const until = new Date(Date.parse(from) + form.length * 60_000).toISOString();
    Object.assign(data.appointment, { window_from: from, window_until: until, agreed_with: form.agreed_with });
    Object.assign(data.customer, { address: form.address, phone: form.contact_phone });
    return true;
  },
  depart: moment("departed_at"),
  arrive: moment("arrived_at"),
  finish: moment("finished_at"),
  revise({ data }) {
    data.on_site.finished_at = null;
    return true;
  },
  start_work(act) {
    act.data.on_site.people_met = act.form.people_met || act.data.on_site.people_met;
    act.data.work.category ||= act.more.category;
    return moment("started_at")(act);
  },
  wait_for_customer({ data, form, at, more }) {
    const still = data.on_site.stood_still;
    const waits = still.filter((each) => each.what === more.waiting).length;
    still.splice(waits, 0, { what: more.waiting, since: at, until: null, reason: form.asked });
    return true;
  },
  meet: ends,
  interrupt({ data, form, at, more }) {
    data.on_site.stood_still.push({ what: more.interruption, since: at, until: null, reason: form.reason });
    return true;
  },
  resume: ends,
  record_work({ data, form, typed, choice }) {
    const { work } = data;
    for (const name of TEXTS) work[name] = form[name] ?? "";
    work.touches_data = form.touches_data === "on";
    work.next_step_at = typed("next_step_at");
    work.result = form.result ?? "";
    Object.assign(work, { result_label: choice("result"), category: choice("category") });
    return work.result_label !== null && work.category !== null;
  },
  add_part({ data, form, parts }) {
    // The list says what a code means; one that is not on it here is the server's to know.
    const listed = form.code ? parts.find(({ code }) => code === form.code.toUpperCase()) : { name: form.name, code: "", unit: "" };
    if (!listed) return false;
    const { name, code, unit } = listed;
    data.parts.push({ name, code, quantity: Number(form.quantity), unit, serial: form.serial ?? "" });
    return true;
  },
};

// --- what is printed, and its hash ------------------------------------------------------------------

export function rowsOf(data) {
  const rows = [];
  collect(data, "", rows);
  return rows.sort(([one], [other]) => (one < other ? -1 : 1));
}

function collect(value, path, rows) {
  if (value === null || value === undefined || value === "") return;
  if (Array.isArray(value)) value.forEach((each, index) => collect(each, `${path}.${index + 1}`, rows));
  else if (typeof value === "object") {
    for (const [name, each] of Object.entries(value)) collect(each, path ? `${path}.${name}` : name, rows);
  } else if (MOMENT.test(path)) rows.push([path, new Date(value).toISOString().slice(0, 16)]);
  else if (typeof value === "boolean") rows.push([path, value ? "True" : "False"]);
  else rows.push([path, String(value)]);
}

export async function digest(text) {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// --- the sheet ---------------------------------------------------------------------------------------

// Fills in the marks ⟦path|filter⟧ that the server left in the sheet.
export function fillSheet(sheet, data, zone) {
  const shown = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
  const get = (path) => path.split(".").reduce((found, name) => found?.[name], data);
  for (const row of sheet.querySelectorAll("[data-each]")) {
    const path = row.dataset.each;
    const copies = get(path).map((_each, index) => {
      const made = row.cloneNode(true);
      made.innerHTML = made.innerHTML.replaceAll(`⟦${path}.0.`, `⟦${path}.${index}.`);
      return made;
    });
    row.replaceWith(...copies);
  }
  for (const part of sheet.querySelectorAll("[data-if]")) {
    const value = get(part.dataset.if);
    if (!value || value.length === 0) part.remove();
  }
  const texts = document.createTreeWalker(sheet, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode;
    if (!node.data.includes("⟦")) continue;
    node.data = node.data.replace(/⟦([^|⟧]+)(?:\|(\w+))?⟧/g, (_all, path, filter) => {
      const value = get(path) ?? "";
      if (!filter || !value) return value;
      const text = shown.format(new Date(value));
      return filter === "clock" ? text.slice(11) : text;
    });
  }
  for (const cell of sheet.querySelectorAll("dd, td")) {
    if (!cell.textContent.trim()) cell.textContent = cell.dataset.else ?? "—";
  }
}
