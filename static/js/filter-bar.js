// A search field of a filter bar has asked for its rows while one typed (`input`). Leaving it would ask
// again (`change`), and replace the very row or dialog that was just clicked.
export function filterBars() {
  document.addEventListener(
    "change",
    (event) => {
      if (event.target.matches(".filter-bar[hx-get] input[type=search]")) event.stopPropagation();
    },
    true,
  );
}
