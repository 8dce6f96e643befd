// Draws the page's progress anew every two seconds while something runs; without it, "Look again" does the same.
(() => {
  const look = async () => {
    if (!document.querySelector("[data-running]")) return;
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } }).catch(() => null);
    if (answer && answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.querySelector("main").replaceChildren(...page.querySelector("main").childNodes);
    }
    setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
})();
