// Calls `work` for the whole page, and for each part that htmx puts in later.
export function onContent(work) {
  work(document);
  document.addEventListener("htmx:load", (event) => {
    if (event.detail.elt !== document.body) work(event.detail.elt.parentElement ?? event.detail.elt);
  });
}
