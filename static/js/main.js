// What every page needs. Each module works on the whole document once, by delegated events where it
// can, and again on what htmx brings in, through `onContent`.
import { onContent } from "./content.js";
import { autosize } from "./autosize.js";
import { dialogs } from "./dialog.js";
import { drafts } from "./draft.js";
import { filterBars } from "./filter-bar.js";
import { htmxReports } from "./htmx-reports.js";
import { menus } from "./menu.js";
import { remaining } from "./remaining.js";
import { remoteSelects } from "./remote-select.js";
import { shortcuts } from "./shortcuts.js";
import { submitOnce } from "./submit-once.js";
import { theme } from "./theme.js";
import { toasts } from "./toasts.js";

document.documentElement.classList.add("js");

theme();
menus();
dialogs();
shortcuts();
submitOnce();
filterBars();
toasts();
htmxReports();
remaining();

onContent((part) => {
  autosize(part);
  remoteSelects(part);
  drafts(part);
  part.querySelector("[data-form-errors]")?.focus();
});
