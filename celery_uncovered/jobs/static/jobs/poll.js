// Keeps the page of a running job up to date. The next poll is scheduled after the last one ended;
// it comes sooner for a young job, and not at all while nobody looks.
(() => {
  "use strict";
  const FASTEST = 300;
  const SLOWEST = 5000;
  const TIME_OUT = 10000;

  const job = document.getElementById("job");
  const heading = document.querySelector("h1");
  const freshness = document.getElementById("freshness");
  const announcer = document.getElementById("announcer");
  const began = Date.now();
  let etag = job.dataset.etag;
  let timer = 0;
  let failures = 0;
  let isPolling = false;
  let answeredAt = Date.now();

  const card = () => job.querySelector("[data-state]");
  const isFinal = () => "final" in card().dataset;

  const ownRhythm = () => {
    const age = Date.now() - began;
    const slow = Math.min(SLOWEST, Math.max(FASTEST, age / 10));
    return failures ? Math.min(SLOWEST * 6, 1000 * 2 ** (failures - 1)) : slow;
  };

  const schedule = (retryAfter) => {
    clearTimeout(timer);
    if (document.hidden || isFinal()) return;
    const jitter = 0.8 + 0.4 * Math.random();
    timer = setTimeout(poll, Math.max(ownRhythm() * jitter, retryAfter * 1000));
  };

  const poll = async () => {
    if (isPolling || isFinal()) return;
    isPolling = true;
    clearTimeout(timer);
    let retryAfter = 0;
    try {
      const response = await fetch(job.dataset.url, {
        headers: { "If-None-Match": etag },
        cache: "no-store",
        signal: AbortSignal.timeout(TIME_OUT),
      });
      retryAfter = Number(response.headers.get("Retry-After")) || 0;
      if (response.status === 404) return location.reload();
      if (response.status !== 304) await take(response);
      failures = 0;
      answeredAt = Date.now();
      document.dispatchEvent(new Event("jobs:polled"));
    } catch {
      failures += 1;
    } finally {
      isPolling = false;
    }
    showFreshness();
    schedule(retryAfter);
  };

  const take = async (response) => {
    if (!response.ok || response.redirected) throw new Error(`status ${response.status}`);
    const html = await response.text();
    etag = response.headers.get("ETag") ?? "";
    const before = card().dataset.word;
    swap(html);
    const after = card().dataset.word;
    if (after !== before) announce(after);
  };

  const announce = (word) => {
    announcer.textContent = `The ${job.dataset.noun ?? "job"} is now: ${word}.`;
    document.dispatchEvent(new CustomEvent("jobs:state", { detail: word }));
    const wanted = job.querySelector("[data-focus-when-done]");
    if (wanted && (document.activeElement === document.body || !document.activeElement)) {
      wanted.focus({ preventScroll: true });
    }
  };

  // A job that a schedule submitted learns what it is about only when it starts.
  const showTitle = (title) => {
    if (heading.textContent === title) return;
    document.title = document.title.replace(heading.textContent, () => title);
    heading.textContent = title;
  };

  const nameOf = (element) => [
    element.tagName, element.id || element.getAttribute("href") || element.textContent,
  ].join(" ");

  // What was open stays open, and the focus stays where it was.
  const swap = (html) => {
    const open = [...job.querySelectorAll("details[open][id]")].map((one) => one.id);
    const focused = job.contains(document.activeElement) && nameOf(document.activeElement);
    job.innerHTML = html;
    showTitle(card().dataset.title);
    open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    const candidates = [...job.querySelectorAll("a, button, summary, [tabindex]")];
    candidates.find((one) => nameOf(one) === focused)?.focus({ preventScroll: true });
    document.dispatchEvent(new Event("jobs:changed"));
  };

  const showFreshness = () => {
    freshness.hidden = isFinal();
    freshness.classList.toggle("stale", failures > 0);
    if (failures) {
      const since = new Date(answeredAt).toLocaleTimeString();
      freshness.textContent = `No answer since ${since}, trying again.`;
      return;
    }
    const seconds = Math.round((Date.now() - answeredAt) / 1000);
    freshness.textContent = seconds < 1 ? "Updated just now" : `Updated ${seconds} s ago`;
  };

  document.addEventListener("visibilitychange", () => (document.hidden ? schedule(0) : poll()));
  document.addEventListener("jobs:refresh", (event) => {
    if (isFinal()) return;
    event.preventDefault();
    poll();
  });
  setInterval(showFreshness, 1000);
  schedule(0);
})();
