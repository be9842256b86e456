// [data-theme-toggle] switches light and dark and remembers it. theme-early.js applies it at the start.
export function theme() {
  const root = document.documentElement;
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const next = root.dataset.bsTheme === "dark" ? "light" : "dark";
    root.dataset.bsTheme = next;
    try {
      localStorage.setItem("desk-theme", next);
    } catch {
      // Then it lasts for this page only.
    }
  });
}
