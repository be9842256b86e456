// Logging out with work that is not sent is refused; logging out erases what the telephone holds of the
// person. Works on every page that has a button for it.
import { remember, remembered, forget, unsent } from "./outbox.js";
import { flush } from "./sender.js";
import { make, notice, say } from "./dom.js";

const OUT = "/log-in/out/";

async function leave(form) {
  const uid = remembered();
  if (uid) {
    let left = await unsent(uid).catch(() => []);
    if (left.length) {
      await Promise.race([flush({ now: true }), new Promise((done) => { setTimeout(done, 5_000); })]);
      left = await unsent(uid);
    }
    if (left.length) {
      refuse(left.length);
      return;
    }
    await forget(uid).catch(() => {});
    remember("");
    for (const name of (await globalThis.caches?.keys()) ?? []) {
      if (name.startsWith("desk-")) await caches.delete(name);
    }
    const registration = await navigator.serviceWorker?.getRegistration();
    await registration?.unregister();
  }
  // The server would ask by what it heard last.
  form.append(make("input", { type: "hidden", name: "checked", value: "1" }));
  form.submit();
}

function refuse(count) {
  const place = document.getElementById("content") ?? document.body;
  document.querySelector("[data-not-out]")?.remove();
  const link = Object.assign(document.createElement("a"), { href: "/phone/queue/", textContent: say("toQueue") });
  const line = Object.assign(document.createElement("p"), { className: "notice-links" });
  line.append(link);
  const box = notice("bad", say("notOut", count), line);
  box.dataset.notOut = "";
  box.setAttribute("tabindex", "-1");
  place.prepend(box);
  box.focus();
  box.scrollIntoView({ block: "center" });
}

export function leaving() {
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (form.method !== "post" || new URL(form.action, location.origin).pathname !== OUT) return;
      event.preventDefault();
      leave(form);
    },
    true,
  );
}

// Somebody else has logged in on this telephone: what it holds of the other goes, except unsent work.
export async function changeOfPerson(now) {
  const before = remembered();
  if (before && now && before !== now) await forget(before).catch(() => {});
  if (now) remember(now);
}
