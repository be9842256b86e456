// Dialogs are native <dialog> elements.
//   <button data-opens="ID">            opens it
//   [data-close-dialog], Esc, backdrop  close it
//   details[data-action-dialog]         an unfolding form (works without script) becomes a dialog
//   [data-action-form]                  its form, fetched when a hand comes near the button
function show(dialog) {
  if (dialog.matches(":modal")) return;
  dialog.removeAttribute("open");
  dialog.showModal();
}

function showAction(details) {
  const dialog = details.querySelector("dialog");
  details.open = true;
  want(details);
  show(dialog);
  focusFirst(dialog);
}

function want(details) {
  details?.querySelector("[data-action-form]")?.dispatchEvent(new Event("wanted"));
}

function focusFirst(dialog) {
  (dialog.querySelector("[data-form-errors]") ?? dialog.querySelector(FIRST))?.focus();
}

const FIRST =
  "[autofocus], form input:not([type=hidden]):not([disabled]), form select, form textarea, form .btn";

export function dialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) show(document.getElementById(opener.dataset.opens));

    const summary = event.target.closest("details[data-action-dialog] > summary");
    if (summary) {
      event.preventDefault();
      showAction(summary.parentElement);
    }

    const dialog = event.target.closest("dialog");
    if (dialog && event.target.closest("[data-close-dialog]")) dialog.close();
  });

  for (const near of ["pointerover", "focusin"]) {
    document.addEventListener(near, (event) => {
      want(event.target.closest?.("details[data-action-dialog] > summary")?.parentElement);
    });
  }

  // A press that starts and ends on the backdrop closes; one that selects text and slips out does not.
  let pressed = null;
  document.addEventListener("pointerdown", (event) => {
    pressed = event.target;
  });
  document.addEventListener("click", (event) => {
    const dialog = event.target;
    if (!(dialog instanceof HTMLDialogElement) || pressed !== dialog || !dialog.matches(":modal")) return;
    const box = dialog.getBoundingClientRect();
    const inside =
      event.clientX >= box.left && event.clientX <= box.right &&
      event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) dialog.close();
  });

  // `close` does not bubble, so it is caught on the way down.
  document.addEventListener(
    "close",
    (event) => {
      const details = event.target.closest?.("details[data-action-dialog]");
      if (!details) return;
      details.open = false;
      details.querySelector("summary").focus();
    },
    true,
  );

  const openRefused = (part) => {
    for (const details of part.querySelectorAll("details[data-action-dialog][open]")) showAction(details);
  };
  openRefused(document);
  document.addEventListener("htmx:load", (event) => {
    const dialog = event.detail.elt.closest("details[data-action-dialog] > dialog:modal");
    if (dialog) focusFirst(dialog);
    else openRefused(event.detail.elt.parentElement ?? document);
  });
}
