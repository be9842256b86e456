// The telephone in the customer's hand without a network (L1): it shows the form alone, also after a
// reload and from every address, until the engineer's PIN. Nothing is sent or fetched meanwhile.
// The server's own hand-over (core/handover.py) does the same where there is a network.
import { showErrors } from "./acts.js";
import { make, say } from "./dom.js";
import { fault } from "./ink.js";
import { add, commands, device, forget, me, meta, remember, setMeta } from "./outbox.js";
import { laid } from "./overlay.js";
import { clock, pack } from "./pack.js";
import { SUBJECT, keep, papers } from "./papers.js";
import { digest, fillSheet, recordOf, rowsOf } from "./record.js";

// js/handed-over-early.js and main.js read the first; the service worker looks for the cache.
const LENT = "desk-lent";
const TRIES = "desk-lent-tries";
const ANSWERED = "desk-lent-answered";
const CACHE = "handed-over";
const MOST_TRIES = 5;

const page = document.getElementById("content");
const number = /^\/visits\/([^/]+)\/sign\/$/.exec(location.pathname)?.[1];
const part = (name) => page.querySelector(`[data-part="${name}"]`);
const show = (...names) => page.querySelectorAll("[data-part]").forEach((each) => { each.hidden = !names.includes(each.dataset.part); });

// --- before: the engineer ---------------------------------------------------------------------------

export async function beforehand() {
  const back = document.querySelector("[data-back]");
  Object.assign(back, { href: `/visits/${number}/`, hidden: false });
  const found = await draw();
  if (!found) return;
  const bar = part("start").querySelector(".thumb-bar");
  document.querySelector("[data-thumb]").replaceChildren(bar);
  const name = found.why ?? "start";
  bar.hidden = name !== "start";
  show(name);
  bar.querySelector("[data-lend]").addEventListener("click", () => lend(found.paper));
}

// The form with what this telephone knows; `why` it cannot be signed here.
async function draw() {
  const [held, paper] = [await pack(), (await papers())[number]];
  const visit = held?.visits.find((each) => each.number === number);
  if (!paper || !visit) {
    page.replaceChildren(make("p.text-quiet.centre", {}, say(paper ? "notHere" : "needsNetwork")));
    return null;
  }
  const waiting = laid(await commands(), number, paper.asked_at);
  page.innerHTML = paper.html;
  const data = recordOf(paper, waiting, held.forms, held.parts);
  document.querySelector(".phone-title").textContent = document.title = page.querySelector("[data-part]").dataset.title;
  const answered = waiting.some((each) => each.verb === "sign_offline");
  const why = answered ? "thanks" : !paper.pin ? "nopin" : !paper.pad || !data || !navigator.serviceWorker?.controller ? "network" : undefined;
  if (!data) return { paper, visit, why };
  fillSheet(page.querySelector(".paper"), data, paper.zone);
  return { paper, visit, rows: rowsOf(data), why };
}

async function lend(paper) {
  await setMeta("lent", { number, pin: paper.pin });
  await (await caches.open(CACHE)).put("/handed-over", new Response(""));
  localStorage.setItem(TRIES, MOST_TRIES);
  localStorage.removeItem(ANSWERED);
  localStorage.setItem(LENT, location.pathname);
  location.replace(`${location.pathname}?local`);
}

// --- in the customer's hand ---------------------------------------------------------------------------

export async function lent() {
  document.body.classList.add("lent");
  const found = await draw();
  const pin = page.querySelector("[data-pin]");
  if (!found) return;
  pin.addEventListener("submit", (event) => {
    event.preventDefault();
    takeBack(pin);
  });
  page.querySelector("[data-unlock]").addEventListener("click", (event) => unlock(event.currentTarget));
  await import("../handed-over.js");
  if (tries() < 1) return show("locked");
  if (localStorage.getItem(ANSWERED)) return thanks();
  show("form", "pin");
  for (const form of page.querySelectorAll("[data-answer]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer(form, found);
    });
  }
  document.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: page } }));
  await import("../signature.js");
}

function thanks() {
  show("thanks", "pin");
  part("pin").open = true;
  scrollTo(0, 0);
}

const said = (name) => page.querySelector("[data-said]").dataset[name];

async function answer(form, { paper, visit, rows }) {
  for (const each of form.querySelectorAll(".field-errors, [data-form-errors]")) each.remove();
  for (const each of form.querySelectorAll(".is-invalid")) each.classList.remove("is-invalid");
  const fields = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
  const errors = {};
  for (const { name } of form.querySelectorAll("[required]")) if (!fields[name]) errors[name] = [said("required")];
  const signs = form.dataset.answer === "sign";
  const wrong = signs && fault(JSON.parse(fields.strokes || "[]"));
  if (wrong) errors.strokes = [said(wrong)];
  if (Object.keys(errors).length) return showErrors(form, { errors });
  const shown = signs ? { rows: JSON.stringify(rows), shown_sha256: await digest(JSON.stringify(rows)) } : {};
  if (form.dataset.sending !== undefined) return undefined;
  form.dataset.sending = "";
  try {
    await add({
      op_id: crypto.randomUUID(), user: me, subject: SUBJECT, number, verb: "sign_offline", label: say("customersAnswer"),
      title: visit.title, fields: { ...fields, ...shown, act: form.dataset.answer, pad: paper.pad }, files: {},
      base_version: null, happened_at: new Date().toISOString(), clock_offset_ms: (await clock()).offset,
      app: document.body.dataset.app ?? "", replaces: null,
    });
  } catch {
    delete form.dataset.sending;
    return showErrors(form, { message: say("full") });
  }
  // A pad is good for one signature.
  await keep(number, { ...paper, pad: null });
  localStorage.setItem(ANSWERED, "1");
  return thanks();
}

// --- the engineer's PIN ---------------------------------------------------------------------------------

const tries = () => Number(localStorage.getItem(TRIES) ?? 0);

async function takeBack(form) {
  const field = form.elements.pin;
  const digits = field.value;
  for (const each of form.querySelectorAll(".field-errors, [data-form-errors]")) each.remove();
  if (!/^\d{4,6}$/.test(digits)) return showErrors(form, { errors: { pin: [said("digits")] } });
  // One try less before it is looked at: a reload wins none.
  localStorage.setItem(TRIES, tries() - 1);
  form.setAttribute("aria-busy", "true");
  const { pin } = await meta("lent");
  const fits = (await derived(digits, pin)) === pin.digest;
  form.removeAttribute("aria-busy");
  if (fits) {
    await free();
    location.replace(`/visits/${number}/`);
    return undefined;
  }
  field.value = "";
  if (tries() < 1) return show("locked");
  return showErrors(form, { errors: { pin: [said("wrong").replace("{1}", tries())] } });
}

async function derived(digits, { salt, rounds }) {
  const bytes = (text) => new TextEncoder().encode(text);
  const key = await crypto.subtle.importKey("raw", bytes(digits), "PBKDF2", false, ["deriveBits"]);
  const bits = await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt: bytes(salt), iterations: rounds }, key, 256);
  return digest(btoa(String.fromCharCode(...new Uint8Array(bits))) + (await device()));
}

async function free() {
  await setMeta("lent", null);
  await caches.delete(CACHE);
  for (const key of [LENT, TRIES, ANSWERED]) localStorage.removeItem(key);
}

// Too many wrong PINs: the session ends, and the password counts. What was not sent waits for it.
async function unlock(button) {
  button.disabled = true;
  try {
    const ping = async () => (await fetch("/phone/ping/", { cache: "no-store" })).json();
    const { csrf } = await ping();
    await fetch("/log-in/out/", { method: "POST", headers: { "X-CSRFToken": csrf }, redirect: "manual" });
    if ((await ping()).user !== null) return;
    await forget(me);
    await free();
    remember("");
    location.replace("/log-in/");
  } catch {
    showErrors(part("locked").querySelector("form") ?? page.querySelector("[data-pin]"), { message: say("needsNetwork") });
  } finally {
    button.disabled = false;
  }
}
