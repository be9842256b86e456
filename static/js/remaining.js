// Counts the remaining-time chips on (templates/components/remaining.html), all by one timer.
import { words } from "./words.js";

function spell(seconds) {
  const minutes = Math.floor(Math.abs(seconds) / 60);
  const parts = [
    [Math.floor(minutes / 1440), words.days],
    [Math.floor(minutes / 60) % 24, words.hours],
    [minutes % 60, words.minutes],
  ];
  while (parts.length > 1 && parts[0][0] === 0) parts.shift();
  return parts
    .slice(0, 2)
    .filter(([amount], index, all) => amount > 0 || all.length === 1)
    .map(([amount, unit]) => unit.replace("%d", amount))
    .join(" ");
}

function update(chip, now) {
  const left = (new Date(chip.dataset.due) - now) / 1000;
  let level = "ok";
  if (left < 0) level = "over";
  else if (left <= Number(chip.dataset.urgent)) level = "urgent";
  else if (left <= Number(chip.dataset.warn)) level = "warn";
  chip.className = `chip chip-${level}`;
  const form = left < 0 ? words.over : words.left;
  // Not yet a minute: “0 min” says nothing.
  const text = left < 0 && left > -60 ? words.justOver : form.replace("%s", spell(left));
  const time = chip.querySelector("time");
  if (time.textContent !== text) time.textContent = text;
}

export function countNow() {
  const now = new Date();
  for (const chip of document.querySelectorAll("[data-remaining]")) update(chip, now);
}

export function remaining() {
  setInterval(countNow, 30_000);
  document.addEventListener("visibilitychange", () => document.hidden || countNow());
}
