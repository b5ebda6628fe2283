// Adds to the log what came since, each time that the page has asked how its job is.
(() => {
  "use strict";
  const MOST_LINES = 2000;
  const AGAIN = 5000;

  const log = document.getElementById("log");
  const box = document.getElementById("log-text");
  const text = box.firstElementChild;
  const isFinal = () => "final" in document.querySelector("[data-state]").dataset;
  let offset = log.dataset.offset;
  let isAsking = false;
  let isWanted = false;

  const more = async () => {
    isWanted = true;
    if (isAsking) return;
    isAsking = true;
    try {
      while (isWanted) {
        isWanted = false;
        const response = await fetch(`${log.dataset.url}?offset=${offset}`, { cache: "no-store" });
        if (!response.ok || response.redirected) throw new Error(`status ${response.status}`);
        add(await response.text());
      }
    } catch {
      // While the job runs, the page asks again by itself.
      if (isFinal()) setTimeout(more, AGAIN);
    } finally {
      isAsking = false;
    }
  };

  const add = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    const came = template.content.firstElementChild;
    offset = came.dataset.next;
    if (!came.querySelector(".log-piece")) return;
    for (const piece of came.querySelectorAll(".log-piece")) {
      const last = [...text.querySelectorAll(".log-piece")].pop();
      if (last?.dataset.attempt === piece.dataset.attempt && !("gap" in piece.dataset)) {
        last.querySelector("pre").append(...piece.querySelector("pre").childNodes);
      } else {
        text.append(piece);
      }
    }
    box.hidden = false;
    document.getElementById("log-empty").hidden = true;
    forgetTheFirst();
    document.dispatchEvent(new Event("jobs:changed"));
  };

  const forgetTheFirst = () => {
    const lines = text.querySelectorAll(".log-line");
    for (let index = 0; index < lines.length - MOST_LINES; index += 1) lines[index].remove();
    for (const piece of text.querySelectorAll(".log-piece")) {
      if (!piece.querySelector(".log-line")) piece.remove();
    }
  };

  document.addEventListener("jobs:polled", more);
})();
