// The engineer's phone: after a call the page to record it is there; a link is sent or copied.

import { onContent } from "./content.js";
import { toast } from "./toasts.js";

// Fields that are needed after a certain answer only. Without this script all are shown.
function follow(part, names, control, wanted) {
  const fields = names.map((name) => part.querySelector(`[name="${name}"]`)?.closest(".field"));
  const controls = [...part.querySelectorAll(`[name="${control}"]`)];
  if (!controls.length) return;
  const show = () => {
    const shown = controls.some((each) => each.checked && (wanted === true || each.value === wanted));
    for (const field of fields) if (field) field.hidden = !shown && !field.querySelector(".is-invalid");
  };
  for (const each of controls) each.addEventListener("change", show);
  show();
}

onContent((part) => {
  for (const box of part.querySelectorAll("[data-wait-until]")) import("./phone/waiting.js").then(({ waiting }) => waiting(box));
  for (const input of part.querySelectorAll("[data-photo-tap]")) input.addEventListener("change", () => input.files.length && input.form.requestSubmit());
  for (const button of part.querySelectorAll("[data-print]")) button.addEventListener("click", () => window.print());
  follow(part, ["data_consent_by"], "touches_data", true);
  for (const input of part.querySelectorAll("[data-parts]")) import("./phone/parts.js").then(({ parts }) => parts(input));
  follow(part, ["next_step", "next_step_at"], "result", "not_solved");
  for (const link of part.querySelectorAll("[data-after-call]")) {
    link.addEventListener("click", () => {
      const next = link.dataset.afterCall;
      if (!next) return;
      // The dialler opens over the page; whoever comes back finds the form.
      window.setTimeout(() => { window.location.href = next; }, 1200);
    });
  }
  for (const button of part.querySelectorAll("[data-share]")) {
    button.addEventListener("click", async () => {
      const text = button.dataset.share;
      try {
        if (navigator.share) await navigator.share(/^https?:\S+$/.test(text) ? { url: text } : { text });
        else {
          await navigator.clipboard.writeText(text);
          toast(button.dataset.done, "good");
        }
      } catch (error) {
        if (error.name !== "AbortError") throw error;
      }
    });
  }
});
