// The chosen colours before the first paint: the page loads this before its styles.
//
// Invariant: it only reads. Refused: to become a module that the page would defer.

const chosen = (() => {
  try {
    return localStorage.getItem("selvedge.theme");
  } catch {
    return null;
  }
})();
if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
