// The desk's sidebar: folded to icons on wide screens (remembered), sliding in on narrow ones.
const root = document.documentElement;
const veil = document.querySelector(".sidebar-veil");

function slide(open) {
  root.classList.toggle("sidebar-open", open);
  veil.hidden = !open;
  for (const button of document.querySelectorAll("[aria-controls=sidebar]")) button.setAttribute("aria-expanded", open);
  if (open) document.querySelector("#sidebar a")?.focus();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-sidebar-toggle]")) slide(!root.classList.contains("sidebar-open"));
  if (event.target.closest("[data-sidebar-fold]")) {
    const folded = root.classList.toggle("sidebar-folded");
    try {
      localStorage.setItem("desk-sidebar", folded ? "folded" : "wide");
    } catch {
      // Then it lasts for this page only.
    }
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && root.classList.contains("sidebar-open")) slide(false);
});
