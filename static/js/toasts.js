// Messages of the last act: success goes after six seconds, errors stay until closed.
const LIFE = 6000;

function watch(line) {
  if (line.dataset.watched !== undefined) return;
  line.dataset.watched = "";
  if (line.dataset.toast === "error" || line.dataset.toast === "warning") return;
  let timer = setTimeout(() => line.remove(), LIFE);
  line.addEventListener("pointerenter", () => clearTimeout(timer));
  line.addEventListener("focusin", () => clearTimeout(timer));
  line.addEventListener("pointerleave", () => {
    timer = setTimeout(() => line.remove(), LIFE);
  });
}

export function toasts() {
  for (const line of document.querySelectorAll("[data-toast]")) watch(line);
  document.addEventListener("click", (event) => {
    event.target.closest("[data-close-toast]")?.closest("[data-toast]").remove();
  });
  document.addEventListener("htmx:load", () => {
    for (const line of document.querySelectorAll("[data-toast]")) watch(line);
  });
}

export function toast(text, kind = "info") {
  const line = document.createElement("div");
  line.className = `toast-line toast-${kind}`;
  line.dataset.toast = kind;
  line.append(Object.assign(document.createElement("p"), { textContent: text }));
  // A modal dialog covers the page, so what concerns it is said inside of it.
  const dialog = [...document.querySelectorAll("dialog:modal .dialog-body")].at(-1);
  if (dialog) {
    line.setAttribute("role", "alert");
    dialog.prepend(line);
  } else {
    document.getElementById("toasts")?.append(line);
  }
  watch(line);
}
