// The keyboard of the intake screen, its script and its clock. All of it is comfort: the form works without.
//   Alt+1 … Alt+8      how the call ends (also plain digits while no field has the focus)
//   Enter              goes to the next field; Ctrl+Enter ends the call (shortcuts.js)
//   Alt+K              to what helped before
//   Arrow down / up    from the number into the found callers and back
import { onContent } from "./content.js";

const form = document.getElementById("intake-form");
const screen = form.closest(".intake");

function field(name) {
  return form.elements.namedItem(name);
}

function value(name) {
  return field(name)?.value?.trim() ?? "";
}

function chosen(name) {
  return form.querySelector(`[name="${name}"]:checked`);
}

function chosenText(name) {
  const control = field(name);
  return control?.value ? control.selectedOptions[0].textContent.trim() : "";
}

// --- Moving on ------------------------------------------------------------------------------

const FIELDS = "input:not([type=hidden]), select, textarea";
const STOPS = `${FIELDS}, button, summary, a[href]`;

function visible(element) {
  return element.checkVisibility() && element.tabIndex >= 0 && !element.disabled;
}

function next(from) {
  const stops = [...form.querySelectorAll(FIELDS)].filter(
    (stop) => visible(stop) && (stop.name !== from.name || stop === from || !stop.name),
  );
  stops[stops.indexOf(from) + 1]?.focus();
}

function matches() {
  return [...form.querySelectorAll(".match")];
}

function alongMatches(event) {
  const { target } = event;
  const all = matches();
  const at = all.indexOf(target);
  const inSearch = ["caller_number", "find"].includes(target.name);
  if (!all.length || (at < 0 && !inSearch)) return false;
  if (event.key === "ArrowDown") all[Math.min(at + 1, all.length - 1)].focus();
  else if (event.key === "ArrowUp" && at > 0) all[at - 1].focus();
  else if (event.key === "ArrowUp" && at === 0) (value("find") ? field("find") : field("caller_number")).focus();
  else if (event.key === "Enter" && inSearch && all.length === 1) all[0].click();
  else return false;
  event.preventDefault();
  return true;
}

function chooseOutcome(key) {
  const option = form.querySelector(`[data-outcome-key="${key}"]`);
  if (!option) return;
  option.checked = true;
  option.dispatchEvent(new Event("change", { bubbles: true }));
  if (option.value === "wrong_number" && !value("need")) {
    form.requestSubmit(form.querySelector(".intake-end [type=submit]:not([form])"));
    return;
  }
  const part = [...form.querySelectorAll(".outcome-part")].find((one) => one.checkVisibility());
  const first = [...(part?.querySelectorAll(STOPS) ?? [])].find(visible);
  (first ?? option).focus();
}

form.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (alongMatches(event)) return;
  if (event.key === "Enter" && event.target.matches("input")) {
    event.preventDefault(); // Enter in a field must not end the call
    if (event.target.type === "radio" && !event.target.checked) event.target.click();
    next(event.target);
  }
});

document.addEventListener("keydown", (event) => {
  if (event.altKey && event.code === "KeyK") {
    event.preventDefault();
    screen.querySelector("#knowledge summary")?.focus();
    return;
  }
  const digit = /^(?:Digit|Numpad)([1-8])$/.exec(event.code)?.[1];
  if (!digit || event.isComposing || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const typing = event.target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");
  const elsewhere = event.target.closest("dialog");
  if (elsewhere || (!event.altKey && typing)) return;
  event.preventDefault();
  chooseOutcome(digit);
});

// A caller was taken over: go on with what is still to be asked.
document.addEventListener("htmx:afterSettle", () => {
  const who = form.querySelector("#who[data-picked]");
  if (!who) return;
  delete who.dataset.picked;
  const names = value("store")
    ? [value("caller_name") ? null : field("caller_name"), who.querySelector("[name=installation]"), field("product")]
    : [field("find")];
  names.find((one) => one && visible(one))?.focus();
});

// --- The exact time is meant by whoever types one ---------------------------------------------

form.addEventListener("input", (event) => {
  if (event.target.type !== "datetime-local") return;
  const group = event.target.closest("[data-quick-time]");
  const exact = group?.querySelector("input[value=time]");
  if (exact) exact.checked = true;
});

form.addEventListener("change", (event) => {
  if (event.target.value === "time" && event.target.closest("[data-quick-time]")) {
    event.target.closest("[data-quick-time]").querySelector("input[type=datetime-local]").focus();
  }
});

// --- Suggestions ------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-choose-referral]");
  if (target) {
    const select = field("referral");
    select.value = target.dataset.chooseReferral;
    select.dispatchEvent(new Event("change", { bubbles: true }));
    select.focus();
  }
  const added = event.target.closest("[data-new-store]");
  if (added) newStore(added.dataset.newStore);
  const helped = event.target.closest("[data-article]");
  if (helped) {
    field("article").value = helped.dataset.article;
    chooseOutcome(1);
    const solution = field("solution");
    if (!solution.value.trim()) solution.value = helped.dataset.solution ?? "";
    solution.dispatchEvent(new Event("input", { bubbles: true }));
    solution.focus();
  }
});

// Nobody was found: the store is made here. What was looked for by name is its name.
function newStore(sought) {
  const name = field("new_store_name");
  name.closest("details").open = true;
  if (value("find") && !name.value) {
    name.value = sought;
    name.dispatchEvent(new Event("input", { bubbles: true }));
  }
  const customer = document.getElementById("id_new_store_customer-ts-control") ?? field("new_customer_name");
  customer.focus();
}

// --- The script, with what is known by now -----------------------------------------------------

function quickTime(name) {
  const choice = chosen(`${name}_choice`);
  if (!choice) return "";
  if (choice.value === "time") return value(`${name}_time`).replace("T", " ");
  return choice.nextElementSibling.textContent.trim();
}

function known() {
  const name = value("caller_name");
  const salutation = value("salutation");
  const installed = chosen("installation");
  return {
    salutation: salutation || name,
    caller: salutation && !salutation.startsWith(name) ? `${name}（${salutation}）` : salutation || name,
    number: value("caller_number"),
    store: screen.querySelector(".store-chosen-text b")?.textContent ?? value("new_store_name"),
    address: screen.querySelector("[data-address]")?.textContent ?? value("new_store_address"),
    product: installed ? installed.nextElementSibling.textContent.trim() : chosenText("product"),
    need: value("need").replace(/\s+/g, " ").slice(0, 120),
    expected: quickTime("expected_at"),
    ticket: chosen("ticket")?.closest("label").querySelector(".number").textContent ?? "",
    colleague: chosenText("to_user"),
    callback: quickTime("call_back_by"),
    promise: quickTime("promise_due_at"),
    referral: chosenText("referral"),
  };
}

function fill() {
  const words = known();
  for (const place of screen.querySelectorAll("[data-say]")) {
    place.dataset.blank ??= place.textContent;
    const word = words[place.dataset.say];
    place.textContent = word || place.dataset.blank;
    place.toggleAttribute("data-filled", Boolean(word));
  }
}

form.addEventListener("input", fill);
form.addEventListener("change", fill);
onContent(fill);

// --- The clock ----------------------------------------------------------------------------------

const timer = form.querySelector("[data-call-timer]");
const answered = field("answered_at");
const restored = form.querySelector(".draft-note, [data-form-errors]") !== null;
let start = restored && answered.value ? new Date(answered.value) : null;

function local(moment) {
  return new Date(moment - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

// The page may have stood open for an hour: the call begins with the first key.
form.addEventListener(
  "input",
  (event) => {
    if (start) return;
    start = new Date();
    if (event.target !== answered) answered.value = local(start);
  },
  { capture: true },
);

setInterval(() => {
  if (!start) return;
  const seconds = Math.max(0, Math.floor((new Date() - start) / 1000));
  timer.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}, 500);

if (!form.querySelector("[data-form-errors]")) field("caller_number").focus();
