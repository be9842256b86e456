// textarea[data-autosize] grows with its text. Browsers with `field-sizing` do it in CSS.
const native = CSS.supports("field-sizing", "content");

function fit(area) {
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + area.offsetHeight - area.clientHeight}px`;
}

if (!native) {
  document.addEventListener("input", (event) => {
    if (event.target.matches?.("textarea[data-autosize]")) fit(event.target);
  });
}

export function autosize(part) {
  if (native) return;
  for (const area of part.querySelectorAll("textarea[data-autosize]")) if (area.value) fit(area);
}
