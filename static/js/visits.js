// The engineer's phone: after a call the page to record it is there; a link is sent or copied.

import { onContent } from "./content.js";
import { toast } from "./toasts.js";

onContent((part) => {
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
      const url = button.dataset.share;
      try {
        if (navigator.share) await navigator.share({ url });
        else {
          await navigator.clipboard.writeText(url);
          toast(button.dataset.done, "good");
        }
      } catch (error) {
        if (error.name !== "AbortError") throw error;
      }
    });
  }
});
