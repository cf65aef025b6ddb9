/* Turns the page of a wall screen. When the server is away it says so, keeps what it showed, and goes on trying. */
"use strict";

(() => {
  const AGAIN = 10; // seconds until it tries again
  const lost = document.getElementById("wall-lost");
  let seen = new Date();

  const main = () => document.getElementById("wall");
  const clock = () => seen.toLocaleTimeString("en-GB");

  function wait(seconds) {
    window.setTimeout(turn, seconds * 1000);
  }

  async function turn() {
    const next = main().dataset.next || window.location.search;
    try {
      const answer = await fetch(`${window.location.pathname}${next}`, { cache: "no-store", credentials: "omit" });
      if (!answer.ok && answer.status !== 404) throw new Error(String(answer.status));
      const found = new DOMParser().parseFromString(await answer.text(), "text/html");
      main().replaceWith(document.importNode(found.getElementById("wall"), true));
      document.title = found.title;
      seen = new Date();
      lost.hidden = true;
      wait(Number(main().dataset.seconds) || 60);
    } catch {
      lost.textContent = `No answer from the server. This is what was known at ${clock()}; it goes on trying.`;
      lost.hidden = false;
      wait(AGAIN);
    }
  }

  wait(Number(main().dataset.seconds) || 60);
})();
