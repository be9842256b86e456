// The words for scripts, put into the page by {% desk_words %}.
export const words = JSON.parse(document.documentElement.dataset.words ?? "{}");
