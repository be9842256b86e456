// The engineer's telephone. On pages of the server: the outbox, the bar, the acts; in the shell also the
// pages themselves. Pages of the desk that an engineer opens get only what guards the log-out.
import { onContent } from "../content.js";
import { toast } from "../toasts.js";
import { acts } from "./acts.js";
import { bar, drawBar } from "./bar.js";
import { icon, say } from "./dom.js";
import { installHint, persist, serviceWorker } from "./install.js";
import { changeOfPerson, leaving } from "./leaving.js";
import { commands, database, me } from "./outbox.js";
import { cameras } from "./photos.js";
import { keepSending, look, standing } from "./sender.js";

const { body } = document;
const local = body.dataset.local !== undefined;
const TRIED = "desk-phone-tried";
const PAUSE = 10_000;
let later = 0;

async function start() {
  leaving();
  await changeOfPerson(body.dataset.user);
  if (!body.classList.contains("phone-app")) return;
  // In the customer's hand it is his: nothing is sent, nothing else is shown.
  if (lent()) {
    if (local) await (await import("./lent.js")).lent();
    return;
  }
  try {
    await database();
  } catch {
    // No storage, nobody known: the pages work as plain forms.
    body.dataset.noStore = "";
  }
  const said = acts();
  onContent((part) => cameras(part, { button: say("takePhoto"), get icon() { return icon("camera"); } }));
  if (body.dataset.noStore !== undefined) {
    if (local) await draw();
    return;
  }
  bar();
  await draw();
  if (said) toast(said, "success");
  serviceWorker();
  installHint(document.querySelector("[data-install]"));
  watch();
  keepSending();
  if (await look()) await drawBar();
  if ((await commands()).length) persist();
}

function lent() {
  try {
    return localStorage.getItem("desk-lent") !== null;
  } catch {
    return false;
  }
}

// What the telephone draws by itself; pages of the server need none of it.
async function draw() {
  if (location.pathname === "/phone/queue/") await (await import("./queue.js")).queue();
  else if (local && /^\/visits\/[^/]+\/sign\/$/.test(location.pathname)) await (await import("./lent.js")).beforehand();
  else if (local) await (await import("./offline.js")).drawLocal();
}

// When the sender comes to an end: what this page shows is out of date if something has reached the
// server meanwhile; and what the telephone drew by itself gives way to the page of the server.
function watch() {
  const states = async () => new Map((await commands()).map((each) => [each.op_id, each.state]));
  let before = states();
  document.addEventListener("outbox:idle", async () => {
    const [then, now] = [await before, await states()];
    before = now;
    const foreign = standing.why === "foreign" && local;
    if (standing.why && !foreign) return;
    if (foreign) await changeOfPerson(standing.user);
    navigator.serviceWorker?.controller?.postMessage("online");
    const news = [...now].some(([opId, state]) => state !== "unsent" && (then.get(opId) ?? "unsent") === "unsent");
    if (local && (foreign || !news)) giveWay(foreign);
    else if (news && !busy()) location.replace(location.pathname);
  });
}

// Where single requests come through but no page does, we do not turn in a circle: once in ten seconds.
// `atOnce`: even from under a form, for it shows what belongs to somebody else.
function giveWay(atOnce) {
  const rest = Number(sessionStorage.getItem(TRIED) ?? 0) + PAUSE - Date.now();
  clearTimeout(later);
  if (rest > 0) {
    later = setTimeout(giveWay, rest, atOnce);
    return;
  }
  if (!atOnce && (standing.why || busy())) return;
  sessionStorage.setItem(TRIED, Date.now());
  location.replace(location.pathname);
}

// A form that somebody fills in is not taken from under his hands; a tap goes on by itself.
function busy() {
  return location.pathname === "/phone/queue/" || document.querySelector(".phone-page form.desk-form, form[data-sending], form[aria-busy]") !== null;
}

start();
