// Times that stay right, a box that ticks all others, and the keys: "/" search, "r" refresh, "?" help.
(() => {
  "use strict";
  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

  const relative = (seconds) => {
    const size = Math.abs(seconds);
    if (size < 1) return "just now";
    const [unit, word] = UNITS.find(([least]) => size >= least);
    const amount = `${Math.floor(size / unit)} ${word}`;
    return seconds > 0 ? `${amount} ago` : `in ${amount}`;
  };

  const duration = (seconds) => {
    if (seconds < 10) return `${Math.max(seconds, 0).toFixed(1)} s`;
    const first = UNITS.findIndex(([least]) => seconds >= least);
    let left = Math.floor(seconds);
    return UNITS.map(([least, word], index) => {
      const count = Math.floor(left / least);
      left %= least;
      return count && index >= first && index <= first + 1 ? `${count} ${word}` : "";
    }).filter(Boolean).join(" ");
  };

  const absolute = new Intl.DateTimeFormat(undefined, {
    dateStyle: "medium", timeStyle: "long",
  });

  const say = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };

  const refreshTimes = () => {
    const now = Date.now();
    for (const element of document.querySelectorAll("time[datetime]")) {
      const moment = new Date(element.dateTime);
      const age = (now - moment) / 1000;
      if (!element.dataset.local) {
        element.title = absolute.format(moment);
        element.dataset.local = "yes";
      }
      if ("relative" in element.dataset) say(element, relative(age));
      if ("elapsed" in element.dataset) say(element, duration(age));
      if ("remaining" in element.dataset) {
        say(element, age < -1 ? `about ${relative(age).slice(3)} left` : "any moment now");
      }
    }
  };

  const help = document.getElementById("help");
  const opener = document.getElementById("open-help");
  const isTyping = (target) => target.closest("input, textarea, select, [contenteditable]");

  const keys = {
    "/": () => document.querySelector("[data-search]")?.focus(),
    "?": () => help.showModal(),
    r: () => {
      const event = new Event("jobs:refresh", { cancelable: true });
      if (document.dispatchEvent(event)) location.reload();
    },
  };

  document.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target) || help.open) return;
    event.preventDefault();
    act();
  });
  opener.hidden = false;
  opener.addEventListener("click", keys["?"]);
  for (const all of document.querySelectorAll("[data-tick-all]")) {
    const ticks = () => [...all.closest("table").querySelectorAll("tbody input[type=checkbox]")];
    all.hidden = false;
    all.addEventListener("change", () => ticks().forEach((one) => { one.checked = all.checked; }));
  }
  document.addEventListener("jobs:changed", refreshTimes);
  refreshTimes();
  setInterval(refreshTimes, 1000);
})();
