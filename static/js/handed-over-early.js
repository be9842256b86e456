// Runs before anything is painted. While the phone is in a customer's hand, a page that the browser
// kept in its memory (back button, cache) shows nothing: the form comes in its place. The server
// does the same with every page that it is asked for, and the service worker where there is no
// network (js/phone/lent.js).
(() => {
  const here = document.currentScript.dataset.handedOver;
  const alone = () => {
    try {
      return localStorage.getItem("desk-lent");
    } catch {
      return null;
    }
  };
  const check = () => {
    const lent = document.cookie.split("; ").includes("handed-over=1") ? here : alone();
    if (!lent || location.pathname.startsWith(lent)) return;
    document.documentElement.hidden = true;
    location.replace(lent);
  };
  check();
  addEventListener("pageshow", check);
  document.addEventListener("visibilitychange", check);
})();
