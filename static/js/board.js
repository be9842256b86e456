// The dispatch board: an order is dragged onto an engineer's time, or moved there by the keyboard.
// What is dropped is sent by an ordinary form; without this script the order's link leads to one.
const board = document.querySelector("[data-board]");
const form = board.querySelector("[data-drop]");
const said = board.querySelector("[data-board-said]");
const grid = board.querySelector("[data-quarters]");
const week = board.dataset.span === "week";
const QUARTERS = Number(grid?.dataset.quarters ?? 0);
const FIRST = Number(grid?.dataset.firstHour ?? 0) * 60;

const pad = (n) => String(n).padStart(2, "0");
const clock = (minutes) => `${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;

// What is in hand, and where it would go: { lane, minutes } of a day, or { cell } of a week.
let held = null;
let place = null;
let mark = null;

function pick(item) {
  held = item;
  item.classList.add("picked");
}

function putBack() {
  held?.classList.remove("picked");
  document.documentElement.classList.remove("dragging");
  show(null);
  held = null;
}

function show(next) {
  mark?.remove();
  mark = null;
  document.querySelector(".drop-here")?.classList.remove("drop-here");
  place = next;
  if (!place) return;
  if (place.cell) {
    place.cell.classList.add("drop-here");
    return;
  }
  const quarters = Math.max(1, Math.ceil(Number(held.dataset.length) / 15));
  const column = (place.minutes - FIRST) / 15 + 1;
  mark = document.createElement("div");
  mark.className = `drop-mark c${column} w${Math.min(quarters, QUARTERS - column + 1)}`;
  mark.textContent = clock(place.minutes);
  place.lane.querySelector("[data-time]").append(mark);
}

function words() {
  if (!place) return "";
  const lane = place.lane.dataset.name;
  if (place.cell) return `${lane} ${place.cell.dataset.name}`;
  return `${lane} ${clock(place.minutes)}–${clock(place.minutes + Number(held.dataset.length))}`;
}

function send() {
  const { lane, cell, minutes } = place;
  form.action = held.dataset.plan;
  // By name: `elements.length` is how many there are.
  const fill = (name, value) => { form.elements.namedItem(name).value = value; };
  fill("engineer", lane.dataset.engineer);
  fill("length", held.dataset.length);
  fill("day", cell ? cell.dataset.cell : "");
  fill("window_from", cell ? "" : `${board.dataset.day}T${clock(minutes)}`);
  form.requestSubmit();
}

function within(minutes) {
  const last = FIRST + QUARTERS * 15 - Math.min(Number(held.dataset.length), QUARTERS * 15);
  return Math.min(Math.max(minutes, FIRST), last);
}

// --- by mouse or pen; a finger scrolls, and opens the order for proposals instead

let press = null;

board.addEventListener("dragstart", (event) => event.preventDefault());

board.addEventListener("pointerdown", (event) => {
  const item = event.target.closest("[data-order]");
  if (!item || event.button !== 0 || event.pointerType === "touch") return;
  if (held) putBack();
  const box = item.getBoundingClientRect();
  // A block is held where it was taken; one from the list by its beginning.
  const grip = item.closest("[data-time]") ? event.clientX - box.left : 0;
  press = { item, x: event.clientX, y: event.clientY, grip };
});

document.addEventListener("pointermove", (event) => {
  if (!press) return;
  if (!held) {
    if (Math.hypot(event.clientX - press.x, event.clientY - press.y) < 6) return;
    pick(press.item);
    document.documentElement.classList.add("dragging");
  }
  show(under(event.clientX, event.clientY));
});

document.addEventListener("pointerup", () => {
  if (!press) return;
  const dragged = held;
  press = null;
  if (!dragged) return;
  // The click that follows is the end of the drag, not a wish to open the link below it.
  const swallow = (event) => event.preventDefault();
  document.addEventListener("click", swallow, { capture: true, once: true });
  window.setTimeout(() => document.removeEventListener("click", swallow, { capture: true }), 0);
  if (place) send();
  else putBack();
});

document.addEventListener("pointercancel", () => {
  press = null;
  putBack();
});

function under(x, y) {
  const found = document.elementFromPoint(x, y);
  const lane = found?.closest("[data-lane]");
  if (!lane) return null;
  if (week) {
    const cell = found.closest("[data-cell]");
    return cell && { lane, cell };
  }
  const time = lane.querySelector("[data-time]");
  const box = time.getBoundingClientRect();
  if (x < box.left) return null;
  const quarter = Math.round(((x - (press?.grip ?? 0) - box.left) / box.width) * QUARTERS);
  return { lane, minutes: within(FIRST + quarter * 15) };
}

// --- by keyboard

const lanes = [...board.querySelectorAll("[data-lane]")];

board.addEventListener("keydown", (event) => {
  const item = event.target.closest("[data-order]");
  if (held && !press) return steer(event);
  if (!item || event.target !== item) return undefined;
  if (event.key === "Enter") item.querySelector("a").click();
  if (event.key !== " " || !lanes.length) return undefined;
  event.preventDefault();
  pick(item);
  show(begin(item));
  said.textContent = `${item.dataset.name}: ${said.dataset.pick} ${words()}`;
  return undefined;
});

function begin(item) {
  const lane = item.closest("[data-lane]") ?? lanes[0];
  if (week) return { lane, cell: item.closest("[data-cell]") ?? lane.querySelector("[data-cell]") };
  const [hour, minute] = (item.dataset.start ?? "09:00").split(":").map(Number);
  return { lane, minutes: within(hour * 60 + minute) };
}

function steer(event) {
  const moves = {
    ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
  };
  if (event.key === "Escape" || event.key === "Tab") {
    putBack();
    said.textContent = said.dataset.putBack;
    return;
  }
  if (event.key === "Enter") {
    event.preventDefault();
    send();
    return;
  }
  const move = moves[event.key];
  if (!move) return;
  event.preventDefault();
  const at = lanes.indexOf(place.lane) + move[0];
  const lane = lanes[Math.min(Math.max(at, 0), lanes.length - 1)];
  if (week) {
    const column = [...place.lane.querySelectorAll("[data-cell]")].indexOf(place.cell) + move[1];
    const cells = [...lane.querySelectorAll("[data-cell]")];
    show({ lane, cell: cells[Math.min(Math.max(column, 0), cells.length - 1)] });
    place.cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  } else {
    show({ lane, minutes: within(place.minutes + move[1] * 15) });
    mark.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  said.textContent = words();
}
