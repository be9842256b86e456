// A store or person registered in the dialog (templates/customers/_quick_dialog.html) is chosen in
// the form behind it: [data-chosen="store" data-uid data-label data-detail].
import { onContent } from "./content.js";

function choose({ chosen, uid, label, detail }) {
  const field = document.querySelector(`form [name="${chosen}"]:not(.quick *)`);
  if (!field) return;
  if (field.tomselect) {
    field.tomselect.addOption({ uid, label, detail });
    field.tomselect.setValue(uid);
    return;
  }
  if (field instanceof HTMLSelectElement) field.add(new Option(label, uid, true, true));
  field.value = uid;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

onContent((part) => {
  const made = part.querySelector("[data-chosen]:not([data-taken])");
  if (!made) return;
  made.dataset.taken = "";
  choose(made.dataset);
  made.closest("dialog")?.close();
});
