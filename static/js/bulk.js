// form[data-bulk]: choose rows, then one act for all. The bar shows itself when a row is chosen.
import { onContent } from "./content.js";

function refresh(form) {
  const boxes = [...form.querySelectorAll('input[name="tickets"]')];
  const chosen = boxes.filter((box) => box.checked).length;
  const bar = form.querySelector("[data-bulk-bar]");
  if (!bar) return;
  bar.hidden = chosen === 0;
  bar.querySelector("[data-bulk-count]").textContent = chosen;
  const all = form.querySelector("[data-bulk-all]");
  if (all) {
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  }
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-bulk]");
  if (!form) return;
  if (event.target.matches("[data-bulk-all]")) {
    for (const box of form.querySelectorAll('input[name="tickets"]')) box.checked = event.target.checked;
  }
  refresh(form);
});

onContent(() => {
  for (const form of document.querySelectorAll("form[data-bulk]")) refresh(form);
});
