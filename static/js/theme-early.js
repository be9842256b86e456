// Runs before the first paint, so that a dark page never flashes white. Kept tiny: it blocks.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    let chosen = null;
    try {
      chosen = localStorage.getItem("desk-theme");
      root.classList.toggle("sidebar-folded", localStorage.getItem("desk-sidebar") === "folded");
    } catch {
      // Storage may be forbidden (private windows); then the system's choice holds.
    }
    root.dataset.bsTheme = chosen ?? (dark.matches ? "dark" : "light");
  };
  apply();
  dark.addEventListener("change", apply);
})();
