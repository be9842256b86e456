// The back button keeps the form while the phone is in the customer's hand: there is always an entry
// of this page before the one that is shown.
history.pushState({ held: true }, "");
addEventListener("popstate", () => history.pushState({ held: true }, ""));
