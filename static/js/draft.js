// form[data-draft="KEY"]: what was typed survives a reload or a crash of the browser.
// It is kept in localStorage while one types, put back into empty fields, and thrown away when the form
// was accepted: a page that shows the next step carries [data-draft-done="KEY"], or the same form comes
// back without errors after it was sent. Passwords, files and hidden fields are never kept.
import { words } from "./words.js";

const PREFIX = "desk-draft:";
const MAX_AGE = 3 * 24 * 60 * 60 * 1000;

function store(work) {
  try {
    return work(localStorage);
  } catch {
    return null; // forbidden or full: then there is no draft
  }
}

function fields(form) {
  return [...form.elements].filter(
    (field) => field.name && field.type !== "submit" && !["hidden", "password", "file"].includes(field.type),
  );
}

function read(form) {
  const values = {};
  for (const field of fields(form)) {
    if (field.type === "checkbox" || field.type === "radio") {
      if (field.checked) (values[field.name] ??= []).push(field.value);
    } else if (field.tagName === "SELECT") {
      values[field.name] = [...field.selectedOptions].map((option) => [option.value, option.textContent]);
    } else {
      values[field.name] = field.value;
    }
  }
  return values;
}

function put(field, value) {
  if (field.type === "checkbox" || field.type === "radio") {
    field.checked = value.includes(field.value);
  } else if (field.tagName === "SELECT") {
    for (const [key, label] of value) {
      if (![...field.options].some((option) => option.value === key)) field.add(new Option(label, key));
    }
    for (const option of field.options) option.selected = value.some(([key]) => key === option.value);
    field.tomselect?.sync();
  } else {
    field.value = value;
  }
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

function tell(form, discard) {
  const line = document.createElement("p");
  line.className = "draft-note";
  line.setAttribute("role", "status");
  const button = Object.assign(document.createElement("button"), {
    type: "button",
    className: "btn-link",
    textContent: words.draftDiscard,
  });
  button.addEventListener("click", discard);
  line.append(words.draftRestored, " ", button);
  form.prepend(line);
}

function restore(form, key, blank) {
  const kept = store((storage) => JSON.parse(storage.getItem(key)));
  if (!kept) return;
  if (kept.sent || Date.now() - kept.at > MAX_AGE) {
    store((storage) => storage.removeItem(key));
    return;
  }
  let changed = false;
  for (const field of fields(form)) {
    const value = kept.values[field.name];
    const same = JSON.stringify(value) === JSON.stringify(read(form)[field.name]);
    if (value === undefined || same) continue;
    put(field, value);
    changed = true;
  }
  if (!changed) return;
  tell(form, () => {
    for (const field of fields(form)) put(field, blank[field.name] ?? (field.type === "checkbox" || field.type === "radio" ? [] : ""));
    store((storage) => storage.removeItem(key));
    form.querySelector(".draft-note")?.remove();
  });
}

function keepNow(form, key, sent = false) {
  store((storage) => storage.setItem(key, JSON.stringify({ at: Date.now(), sent, values: read(form) })));
}

// Whoever lands on the log-in page with something just sent was logged out meanwhile: it did not arrive.
function keepWhatDidNotArrive() {
  store((storage) => {
    for (const key of Object.keys(storage).filter((name) => name.startsWith(PREFIX))) {
      const kept = JSON.parse(storage.getItem(key));
      if (kept.sent) storage.setItem(key, JSON.stringify({ ...kept, sent: false }));
    }
  });
}

export function drafts(part) {
  if (part.querySelector("[data-log-in]")) keepWhatDidNotArrive();
  for (const done of part.querySelectorAll("[data-draft-done]")) {
    store((storage) => storage.removeItem(PREFIX + done.dataset.draftDone));
  }
  for (const form of part.querySelectorAll("form[data-draft]:not([data-draft-watched])")) {
    form.dataset.draftWatched = "";
    const key = PREFIX + form.dataset.draft;
    const refused = form.querySelector("[data-form-errors]") !== null;
    const blank = read(form);
    // A refused form carries what was typed already; it is a draft again.
    if (refused) keepNow(form, key);
    else restore(form, key, blank);
    let timer = 0;
    const keep = () => {
      clearTimeout(timer);
      timer = setTimeout(keepNow, 250, form, key);
    };
    form.addEventListener("input", keep);
    form.addEventListener("change", keep);
    form.addEventListener("submit", () => {
      clearTimeout(timer);
      // Kept until the answer: `sent` drops it on the next page, unless the form comes back refused.
      keepNow(form, key, true);
    });
    // No connection: the draft lives on.
    form.addEventListener("htmx:sendError", keep);
    form.addEventListener("htmx:responseError", keep);
  }
}
