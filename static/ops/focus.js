/* A slow page may lose its [autofocus] (a browser drops it for anything that had the focus a moment before it is
   drawn), and who works by keyboard would begin at the top again. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const wanted = document.querySelector("[autofocus]");
  const nowhere = document.activeElement === null || document.activeElement === document.body;
  if (wanted && nowhere && location.hash === "") wanted.focus();
});
