/* The part of a page that renews itself: pauses while nobody looks or a dialog is open, keeps the focus and what is unfolded,
   and says when what is shown is old. */
"use strict";

(() => {
  let focused = null;
  let opened = new Map();
  let seen = new Date();

  window.opsMayRenew = () => !document.hidden && document.querySelector("dialog[open]") === null;

  const isLive = (event) => event.detail.target && event.detail.target.id === "ops-live";

  /* htmx gives the focus back to elements with an id; the others are found by what they do. */
  const mark = (element) => element.getAttribute("href") || element.getAttribute("name") || element.textContent.trim();

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!isLive(event)) return;
    if (event.detail.xhr.responseURL.includes("/login/")) {
      event.detail.shouldSwap = false;
      window.location.reload();
      return;
    }
    const active = document.activeElement;
    opened = new Map([...event.detail.target.querySelectorAll("details[id]")].map((each) => [each.id, each.open]));
    focused = event.detail.target.contains(active) && active !== event.detail.target ? mark(active) : null;
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (!isLive(event)) return;
    seen = new Date();
    lost("");
    for (const each of event.detail.target.querySelectorAll("details[id]")) each.open = opened.get(each.id) ?? each.open;
    if (focused === null) return;
    const again = [...event.detail.target.querySelectorAll("a, button, input, select, textarea, summary")];
    const same = again.find((element) => mark(element) === focused);
    if (same) same.focus({ preventScroll: true });
  });

  function lost(text) {
    const line = document.getElementById("ops-lost");
    if (line === null) return;
    line.textContent = text;
    line.hidden = text === "";
  }

  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => {
      if (!isLive(event)) return;
      lost(`No answer from the server: this page shows ${seen.toISOString().slice(11, 19)} UTC. It goes on trying.`);
    });
  }
})();
