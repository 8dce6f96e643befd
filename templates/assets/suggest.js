// Shows the first books while words are being typed; without it, "Search" does the same.
(() => {
  const field = document.querySelector("#q");
  const place = document.querySelector("#suggested");
  let latest = 0, waiting;
  const look = async () => {
    const mine = ++latest, words = field.value.trim();
    const answer = words.length > 1 ? await fetch(`/suggest?part=list&q=${encodeURIComponent(words)}`).catch(() => null) : null;
    const list = answer && answer.ok ? await answer.text() : "";
    if (mine === latest) place.innerHTML = list;
  };
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 150);
  });
})();
