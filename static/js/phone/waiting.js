// The quarter of an hour that one waits for an absent customer: seconds counted on the telephone itself,
// with a network and without, and a notice when it is over.
import { icon, make, say } from "./dom.js";

const { title } = document;

export function waiting(box) {
  const until = Date.parse(box.dataset.waitUntil);
  const time = make("span.wait-time", { role: "timer" });
  const [before, after] = [make("span", {}), make("span", {})];
  const bell = make("button.btn.btn-plain.btn-sm", { type: "button" }, icon("bell"), say("waitBell"));
  const asks = "Notification" in window && Notification.permission === "default";
  box.replaceChildren(before, time, after, asks ? bell : "");
  bell.addEventListener("click", async () => {
    await Notification.requestPermission();
    bell.remove();
  });
  let counted = false;
  let timer = 0;
  const tick = () => {
    if (!box.isConnected) {
      clearInterval(timer);
      return;
    }
    const left = Math.ceil((until - Date.now()) / 1000);
    time.textContent = left > 0 ? say("waitTime", Math.floor(left / 60), left % 60) : "";
    [before.textContent, after.textContent = ""] = say(left > 0 ? "waitLeft" : "waitOver").split("{1}");
    box.classList.toggle("wait-over", left <= 0);
    document.title = left > 0 ? `${time.textContent} ${title}` : `⏰ ${say("waitOver")} ${title}`;
    if (left > 0) counted = true;
    else {
      clearInterval(timer);
      if (counted) over();
    }
  };
  timer = setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
  tick();
}

// Now the note is the next act; the page says so after it is drawn anew.
async function over() {
  navigator.vibrate?.([300, 150, 300, 150, 300]);
  if ("Notification" in window && Notification.permission === "granted") {
    const worker = await navigator.serviceWorker?.getRegistration();
    await worker?.showNotification(say("waitOver"), { body: title, tag: "desk-wait", renotify: true, requireInteraction: true });
  }
  setTimeout(() => location.reload(), 1500);
}
