// Runs before anything is painted: the theme that was chosen, so that a page never flashes in the other one. No choice: as the system has it.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("tocsin.theme");
  } catch {
    // A browser that keeps nothing: the system's theme.
  }
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
})();
