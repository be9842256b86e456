// Keys for things on the page: data-shortcut="n" clicks (or focuses, for fields) that element.
// With data-shortcut-label the help dialog lists it. Keys are dead while one types; Esc leaves a field.
function isTyping(target) {
  return target.isContentEditable || target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");
}

function list() {
  const keys = document.querySelector("[data-shortcut-list]");
  if (!keys) return;
  for (const element of document.querySelectorAll("[data-shortcut][data-shortcut-label]")) {
    const row = document.createElement("div");
    const key = Object.assign(document.createElement("kbd"), { textContent: element.dataset.shortcut.toUpperCase() });
    const term = document.createElement("dt");
    term.append(key);
    row.append(term, Object.assign(document.createElement("dd"), { textContent: element.dataset.shortcutLabel }));
    keys.append(row);
  }
}

export function shortcuts() {
  list();
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.isComposing) return; // an input method is choosing characters

    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = target.closest?.("form");
      if (form) {
        event.preventDefault();
        form.requestSubmit();
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(target)) {
      if (event.key === "Escape" && !target.closest("dialog, .ts-wrapper")) target.blur();
      return;
    }
    if (document.querySelector("dialog:modal")) return;

    const element = [...document.querySelectorAll("[data-shortcut]")].find(
      (candidate) => candidate.dataset.shortcut === event.key && candidate.getClientRects().length > 0,
    );
    if (!element) return;
    event.preventDefault();
    if (element.matches("input, textarea, select")) {
      element.focus();
      element.select?.();
    } else {
      element.click();
    }
  });
}
