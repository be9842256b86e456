// Runs before anything is painted. While the phone is in a customer's hand, a page that the browser
// kept in its memory (back button, cache) shows nothing: the form comes in its place. The server
// does the same with every page that it is asked for.
(() => {
  const here = document.currentScript.dataset.handedOver;
  const check = () => {
    const lent = document.cookie.split("; ").includes("handed-over=1");
    if (!lent || location.pathname.startsWith(here)) return;
    document.documentElement.hidden = true;
    location.replace(here);
  };
  check();
  addEventListener("pageshow", check);
  document.addEventListener("visibilitychange", check);
})();
