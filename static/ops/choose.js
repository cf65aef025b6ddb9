/* Forms with data-choose: one box for all rows, and a button that says how many are chosen.
   Fields with data-submit send their form when another value is chosen. */
"use strict";

(() => {
  const boxes = (form) => [...form.querySelectorAll("input[type=checkbox][name=flag]:not(:disabled)")];

  function tell(form) {
    const all = form.querySelector("[data-choose-all] input");
    const every = boxes(form);
    const chosen = every.filter((box) => box.checked).length;
    if (all) {
      all.checked = chosen > 0 && chosen === every.length;
      all.indeterminate = chosen > 0 && chosen < every.length;
      all.closest("[data-choose-all]").hidden = every.length === 0;
    }
    const text = form.querySelector("[data-choose-count]");
    if (!text) return;
    text.textContent = text.dataset.chooseCount.replace("{}", chosen === 1 ? "1 flag" : `${chosen} flags`);
    text.closest("button").disabled = chosen === 0;
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
    const form = event.target.closest("form[data-choose]");
    if (!form) return;
    if (event.target.closest("[data-choose-all]")) for (const box of boxes(form)) box.checked = event.target.checked;
    tell(form);
  });

  const start = () => document.querySelectorAll("form[data-choose]").forEach(tell);
  document.addEventListener("DOMContentLoaded", start);
  window.addEventListener("pageshow", start); /* the browser may give back the boxes as they were */
})();
