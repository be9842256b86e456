// htmx stays silent when a request fails; people must hear of it.
import { toast } from "./toasts.js";
import { words } from "./words.js";

export function htmxReports() {
  document.addEventListener("htmx:sendError", () => toast(words.offline, "error"));
  document.addEventListener("htmx:timeout", () => toast(words.offline, "error"));
  document.addEventListener("htmx:responseError", () => toast(words.serverError, "error"));
}
