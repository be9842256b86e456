// select[data-remote-select="URL"]: choose from many by typing. GET URL?q=… answers
// {"results": [{"uid", "label", "detail"}]}. tom-select is loaded only where such a field exists.
// The form can listen to the native `change` event of the select.
import { words } from "./words.js";

let loading = null;

function tomSelect() {
  const base = `${document.documentElement.dataset.static}tom-select/dist/js/tom-select.base.min.js`;
  loading ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: base });
    script.onload = () => resolve(window.TomSelect);
    script.onerror = reject;
    document.head.append(script);
  });
  return loading;
}

function row(className) {
  return (item, escape) =>
    `<div class="${className}"><span>${escape(item.label)}</span>${item.detail ? `<small>${escape(item.detail)}</small>` : ""}</div>`;
}

function note(text) {
  return () => {
    const line = document.createElement("div");
    line.className = "no-results";
    line.textContent = text;
    return line;
  };
}

async function enhance(select) {
  const TomSelect = await tomSelect();
  let running = null;
  const choice = new TomSelect(select, {
    valueField: "uid",
    labelField: "label",
    searchField: [], // the server decides what matches (pinyin, telephone, code)
    maxItems: select.multiple ? null : 1,
    maxOptions: 50,
    loadThrottle: 200,
    preload: "focus",
    create: false,
    placeholder: select.dataset.hint || words.typeMore,
    options: [...select.options].filter((o) => o.value).map((o) => ({ uid: o.value, label: o.textContent })),
    shouldLoad: () => true,
    score: () => () => 1,
    load(query, done) {
      running?.abort();
      running = new AbortController();
      const url = new URL(select.dataset.remoteSelect, location.href);
      url.searchParams.set("q", query);
      const before = this.getValue();
      fetch(url, { signal: running.signal, headers: { Accept: "application/json" } })
        .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer)))
        .then(({ results }) => {
          const kept = new Set(this.items);
          for (const key of Object.keys(this.options)) if (!kept.has(key)) this.removeOption(key, true);
          // Chosen meanwhile: an answer that comes late must not open the list again.
          if (this.getValue() !== before || (this.items.length && this.inputValue() !== query)) this.isInputHidden = true;
          done(results);
          this.inputState();
        })
        .catch((error) => error.name === "AbortError" || done());
    },
    render: {
      option: row("choice-row"),
      item: row("choice-item"),
      no_results: note(words.noResults),
      loading: note(words.searching),
    },
  });
  // Ctrl+Enter saves the form; it must not choose whoever heads the open list on its way there.
  const keyDown = choice.onKeyDown;
  choice.onKeyDown = (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) keyDown.call(choice, event);
  };
  // The label now belongs to the text box that took the select's place.
  select.setAttribute("aria-hidden", "true");
}

export function remoteSelects(part) {
  for (const select of part.querySelectorAll("select[data-remote-select]:not(.tomselected)")) {
    if (select.tomselect || select.dataset.enhanced !== undefined) continue;
    select.dataset.enhanced = "";
    enhance(select);
  }
}
