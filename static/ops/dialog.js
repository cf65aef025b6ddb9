/* Links with data-dialog open in a <dialog>. Without this file they are ordinary pages.
   showModal() keeps the focus inside and closes on Escape. */
"use strict";

(() => {
  let opener = null;

  function dialog() {
    let element = document.getElementById("ops-dialog");
    if (element === null) {
      element = document.createElement("dialog");
      element.id = "ops-dialog";
      element.className = "ops-dialog";
      element.setAttribute("aria-labelledby", "ops-dialog-title");
      element.addEventListener("close", closed);
      document.body.append(element);
    }
    return element;
  }

  function closed() {
    dialog().replaceChildren();
    const same = opener && (document.contains(opener) ? opener : twin(opener));
    if (same) same.focus();
    opener = null;
  }

  /* The live part of the page may have been replaced meanwhile: the link that does the same. */
  function twin(link) {
    return [...document.querySelectorAll("a[data-dialog]")].find((other) => other.href === link.href);
  }

  function focusFirst(element) {
    const next = element.querySelector("button[data-default]");
    const wanted = next || element.querySelector("[aria-invalid=true], [autofocus], textarea, input:not([type=hidden])");
    if (wanted) wanted.focus();
  }

  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (link && event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      opener = link;
      const element = dialog();
      await htmx.ajax("GET", link.href, { target: element, swap: "innerHTML" });
      return;
    }
    if (event.target.closest("#ops-dialog [data-dialog-close]") || event.target === document.getElementById("ops-dialog")) {
      event.preventDefault();
      dialog().close();
    }
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target.id !== "ops-dialog") return;
    const element = dialog();
    if (!element.open) element.showModal();
    focusFirst(element);
  });

  /* What is not a form (a refusal, the login) is shown as the page it is. */
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "ops-dialog") return;
    const wrong = event.detail.xhr.status >= 400 || event.detail.xhr.responseURL.includes("/login/");
    if (!wrong) return;
    event.detail.shouldSwap = false;
    if (opener) window.location.assign(opener.href);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    const form = event.target.closest("form.ops-form");
    if (form) form.requestSubmit(form.querySelector("button[data-default]"));
  });
})();
