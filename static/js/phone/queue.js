// The queue: what is not sent, what was refused and why, and what one can do about it.
import { PENDING, STUCK, blob, commands, me, remove } from "./outbox.js";
import { clock, pack, packAskedAt } from "./pack.js";
import { discard, flush, look, standing } from "./sender.js";
import { icon, make, notice, say, when } from "./dom.js";

const page = document.getElementById("content");
let drawing = Promise.resolve();

function title(each) {
  return make("p.tap-title", {}, each.label, each.title ? make("small.text-quiet", {}, ` ${each.title} `) : " ", make("small.number", {}, each.number));
}

// What was typed, so that nothing has to be remembered.
function typed(each, held) {
  // What a customer drew is not shown to anybody here.
  if (each.verb === "sign_offline") return make("p", {}, [each.fields.signer_name, each.fields.reason].filter(Boolean).join("："));
  const form = make("template");
  form.innerHTML = held?.forms[each.verb]?.html ?? "";
  const named = (name) => {
    const field = form.content.querySelector(`[name="${CSS.escape(name)}"]`)?.closest(".field");
    return field?.querySelector("legend, label")?.firstChild?.textContent.trim() || name;
  };
  const chosen = (name, value) => {
    const at = `[name="${CSS.escape(name)}"]`;
    const option = form.content.querySelector(`select${at} option[value="${CSS.escape(value)}"]`);
    const box = form.content.querySelector(`input${at}[value="${CSS.escape(value)}"]`)?.closest("label");
    return (option ?? box)?.textContent.trim() || value;
  };
  const lines = Object.entries(each.fields).filter(([, value]) => String(value).trim());
  const files = Object.keys(each.files ?? {}).length;
  if (!lines.length && !files) return "";
  return make("details.fold", {}, make("summary", {}, say("content")),
    make("dl.queue-fields", {}, ...lines.flatMap(([name, value]) => [
        make("dt", {}, named(name)), make("dd", {}, [value].flat().map((one) => chosen(name, one)).join("，")),
      ])),
    files ? make("p", {}, icon("photo"), say("photos", files)) : "");
}

function action(symbol, text, work, style = "btn-plain") {
  const button = make(`button.btn.${style}`, { type: "button" }, icon(symbol), text);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await work();
    } finally {
      button.disabled = false;
      await draw();
    }
  });
  return button;
}

function card(each, held, tone, why, ...buttons) {
  return make("li.tap.queue-item", { "data-op": each.op_id, "data-state": each.state },
    make("div.tap-top", {}, make("span.tap-time", {}, when(each.happened_at)), make(`span.queue-state.queue-${tone}`, {}, why)),
    title(each),
    each.message && STUCK.includes(each.state) ? make("p.queue-why", {}, each.message) : "",
    ...Object.values(each.errors ?? {}).flat().filter((text) => text !== each.message && STUCK.includes(each.state)).map((text) => make("p.queue-why", {}, text)),
    typed(each, held),
    buttons.length ? make("div.queue-buttons", {}, ...buttons) : "");
}

// A refused one is thrown away with a reason, which the visit keeps.
function throwAway(each) {
  const reason = make("input.form-control", { type: "text", maxlength: 300, required: true, id: `why-${each.op_id}` });
  const form = make("form.queue-discard", {}, make("label.form-label", { for: reason.id }, say("whyDiscard")), reason,
    make("button.btn.btn-quiet-danger", { type: "submit" }, icon("trash"), say("discard")));
  const wrong = make("p.queue-why", { role: "alert" });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await discard(each.op_id, reason.value.trim());
      await draw();
    } catch (error) {
      wrong.textContent = error.url || !error.message ? say("needsNetwork") : error.message;
      form.append(wrong);
    }
  });
  return make("details.fold", {}, make("summary", {}, icon("trash"), say("discard")), form);
}

async function stuck(each, held) {
  const known = held?.visits.find((visit) => visit.number === each.number);
  const buttons = [];
  if (known?.forms[each.verb]) {
    buttons.push(make("a.btn.btn-primary", { href: `${known.url}${each.verb}/?local&mend=${each.op_id}` }, icon("edit"), say("mend")));
  } else {
    buttons.push(make("a.btn.btn-plain", { href: `/visits/${each.number}/` }, icon("chevron-right"), say("toVisit")));
  }
  const found = card(each, held, "bad", say(each.state === "broken" ? "stateBroken" : "stateRefused"), ...buttons);
  if (each.state === "broken") found.append(action("trash", say("discard"), () => confirm(say("sureRemove")) && remove(each.op_id), "btn-quiet-danger"));
  else found.append(throwAway(each));
  return found;
}

function exportFile(all) {
  const button = action("download", say("export"), async () => {
    const files = {};
    for (const id of all.flatMap((each) => Object.values(each.files ?? {}))) {
      const kept = await blob(id);
      if (kept) files[id] = { name: kept.name, type: kept.blob.type, base64: await base64(kept.blob) };
    }
    const content = JSON.stringify({ made_at: new Date().toISOString(), user: me, commands: all, files }, null, 2);
    const link = make("a", {
      href: URL.createObjectURL(new Blob([content], { type: "application/json" })),
      download: `outbox-${new Date().toISOString().slice(0, 16).replaceAll(":", "")}.json`,
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
  button.dataset.export = "";
  return button;
}

function base64(content) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.split(",")[1]);
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(content);
  });
}

async function others() {
  const names = ((await indexedDB.databases?.()) ?? []).map((each) => each.name).filter((name) => /^desk-[0-9a-f-]{36}$/.test(name ?? ""));
  const found = [];
  for (const uid of names.map((name) => name.slice(5)).filter((each) => each !== me)) {
    const left = (await commands(uid)).filter((each) => [...PENDING, ...STUCK].includes(each.state));
    if (left.length) found.push(left.length);
  }
  return found.length ? [notice("wait", say("othersUnsent", found.reduce((a, b) => a + b)))] : [];
}

// How it stands: network, clock, age of the pack, whether the browser promised to keep it.
async function state() {
  const { offset } = await clock();
  const asked = await packAskedAt();
  const kept = (await navigator.storage?.persisted?.()) ?? false;
  const { usage = 0 } = (await navigator.storage?.estimate?.()) ?? {};
  const seconds = offset === null ? null : Math.round(Math.abs(offset) / 1000);
  const skew = seconds === null ? say("clockUnknown")
    : seconds < 60 ? say("clockRight") : say(offset > 0 ? "slow" : "fast", Math.round(seconds / 60));
  return make("section.panel", {}, make("header.panel-head", {}, make("h2", {}, say("thisPhone"))),
    make("div.panel-body", {}, make("ul.plain-list", {},
      make("li", {}, standing.why === "offline" ? say("offline") : standing.why === "login" ? say("loggedOut") : say("online")),
      make("li", {}, asked ? say("asOf", when(asked)) : say("noPack")),
      make("li", {}, skew),
      make("li", {}, say(kept ? "persisted" : "notPersisted")),
      make("li", {}, say("used", (usage / 1_048_576).toFixed(1))))));
}

async function content() {
  const all = await commands();
  const held = await pack();
  const wrong = all.filter((each) => STUCK.includes(each.state));
  const open = all.filter((each) => PENDING.includes(each.state));
  const settled = all.filter((each) => each.state === "done").slice(-10).reverse();
  const parts = [...(await others())];
  if (standing.why === "login") {
    const address = `${standing.login}?next=${encodeURIComponent(location.pathname)}`;
    parts.push(notice("bad", say("loginTitle"), make("p", {}, make("a.btn.btn-primary", { href: address }, icon("login"), say("login")))));
  }
  if (standing.why === "foreign") parts.push(notice("bad", say("foreign")));
  if (wrong.length) parts.push(make("p.day", {}, say("headRefused")), make("ul.tap-list", {}, ...(await Promise.all(wrong.map((each) => stuck(each, held))))));
  if (open.length) {
    parts.push(make("p.day", {}, say("headUnsent")), make("ul.tap-list", {}, ...open.map((each) =>
      card(each, held, "wait", say(each.state === "waiting" ? "stateWaiting" : each.tries ? "stateTried" : "stateUnsent")))));
  }
  if (!wrong.length && !open.length) {
    parts.push(make("div.empty-state", {}, make("span.empty-mark", {}, icon("circle-check")), make("p.empty-title", {}, say("allSent"))));
  }
  if (wrong.length || open.length) {
    parts.push(make("div.queue-buttons", {}, action("refresh", say("sendNow"), () => flush({ now: true }), "btn-primary"), exportFile([...wrong, ...open])));
  }
  if (settled.length) {
    parts.push(make("details.fold", {}, make("summary", {}, say("headSent", settled.length)),
      make("ul.plain-list", {}, ...settled.map((each) => make("li", {}, `${when(each.happened_at)} ${each.label} ${each.title}`)))));
  }
  parts.push(await state());
  return parts;
}

export function draw() {
  drawing = drawing.then(async () => page.replaceChildren(...(await content())));
  return drawing;
}

export async function queue() {
  document.querySelector(".phone-title").textContent = say("queue");
  document.title = say("queue");
  await draw();
  // A reason that is being typed must not be drawn away.
  document.addEventListener("outbox:change", () => page.querySelector("details[open] form") || draw());
  await look();
}
