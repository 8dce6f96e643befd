// Looks again every few seconds while a book is being prepared; without it, "Check again" does the same.
(() => {
  const status = document.querySelector("[data-preparing]");
  if (!status) return;
  let tries = 0;
  const look = async () => {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } }).catch(() => null);
    if (answer && answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("main");
      if (fresh && !fresh.querySelector("[data-preparing]")) {
        document.querySelector("main").replaceWith(fresh);
        document.title = page.title;
        return;
      }
    }
    if (++tries < 40) setTimeout(look, Math.min(2000 + tries * 500, 15000));
  };
  setTimeout(look, 2000);
})();
