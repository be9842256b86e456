// Small things to build pages of: words, icons and elements. No text becomes markup here.
export const words = JSON.parse(document.body.dataset.phoneWords ?? "{}");

// say("unsent", 3, "10:42") fills the places {1} and {2}.
export function say(key, ...values) {
  return values.reduce((text, value, index) => text.replaceAll(`{${index + 1}}`, value), words[key] ?? key);
}

// make("a.btn", {href: "/"}, "text", node …)
export function make(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export function icon(name) {
  return copy(`icon-${name}`) ?? "";
}

// A copy of a <template id="…"> that the server drew.
export function copy(id) {
  return document.getElementById(id)?.content.firstElementChild?.cloneNode(true) ?? null;
}

export function notice(tone, title, ...body) {
  const names = { bad: "alert-circle", wait: "alert-triangle", good: "circle-check", info: "info-circle" };
  const text = make("div", {}, title ? make("p.notice-title", {}, title) : "", ...body);
  return make(`div.notice.notice-${tone}`, tone === "bad" ? { role: "alert" } : {}, icon(names[tone]), text);
}

const clockFormat = new Intl.DateTimeFormat(document.documentElement.lang, {
  hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
const dayFormat = new Intl.DateTimeFormat(document.documentElement.lang, { month: "short", day: "numeric" });

// 10:42 today, with the day otherwise.
export function when(moment) {
  const date = new Date(moment);
  const clock = clockFormat.format(date);
  return date.toDateString() === new Date().toDateString() ? clock : `${dayFormat.format(date)} ${clock}`;
}
