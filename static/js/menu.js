// details[data-menu]: one open at a time; Esc and a click elsewhere close it; arrows walk through it.
export function menus() {
  const open = () => document.querySelector("details[data-menu][open]");

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    const menu = open();
    if (!menu) return;
    if (event.key === "Escape") {
      menu.open = false;
      menu.querySelector("summary").focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const items = [...menu.querySelectorAll(".menu-item")];
      const step = event.key === "ArrowDown" ? 1 : -1;
      const at = items.indexOf(document.activeElement);
      items.at(at < 0 && step < 0 ? -1 : (at + step) % items.length)?.focus();
      event.preventDefault();
    }
  });
}
