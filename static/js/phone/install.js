// The application on the telephone: its service worker, storage that stays, and how to put it on the
// home screen.
import { say, make, icon } from "./dom.js";

const HIDDEN = "desk-phone-install";

export async function serviceWorker() {
  if (!navigator.serviceWorker) return;
  try {
    await navigator.serviceWorker.register("/sw.js", { scope: "/", updateViaCache: "none" });
  } catch {
    // Not allowed here (a private window, WeChat): the pages work online as before.
  }
}

// Asked after the first act, when the browser knows that the person means it.
export async function persist() {
  if (!navigator.storage?.persist || (await navigator.storage.persisted())) return;
  await navigator.storage.persist();
}

function installed() {
  return matchMedia("(display-mode: standalone)").matches || navigator.standalone === true;
}

function hidden() {
  try {
    return localStorage.getItem(HIDDEN) !== null;
  } catch {
    return true;
  }
}

// Once, on the page of the day: a line that says how, until it is closed.
export function installHint(place) {
  if (!place || installed() || hidden()) return;
  let offered = null;
  const close = make("button.btn-icon", { type: "button", "aria-label": say("close") }, icon("x"));
  const text = make("p", {}, say(/MicroMessenger/i.test(navigator.userAgent) ? "installWeChat" : "install"));
  const hint = make("div.install-hint", {}, icon("device-mobile"), text, close);
  const away = () => {
    hint.remove();
    try {
      localStorage.setItem(HIDDEN, "seen");
    } catch {
      // It comes again, then.
    }
  };
  close.addEventListener("click", away);
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    offered = event;
    const button = make("button.btn.btn-plain.btn-sm", { type: "button" }, say("installNow"));
    button.addEventListener("click", async () => {
      await offered.prompt();
      away();
    });
    text.replaceChildren(say("installShort"), " ", button);
  });
  place.append(hint);
}
