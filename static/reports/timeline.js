/* The lanes of the timeline lie exactly below the chart, and a mark that is pointed at shows its moment in all of them. */
"use strict";

(() => {
  const chartOf = () => {
    const canvas = document.querySelector("#mon-chart canvas");
    return canvas === null ? undefined : Chart.getChart(canvas);
  };

  function align() {
    const lanes = document.getElementById("rep-lanes");
    const chart = chartOf();
    if (lanes === null || chart === undefined || !chart.chartArea) return;
    const box = chart.canvas.getBoundingClientRect();
    const own = lanes.getBoundingClientRect();
    const left = box.left + chart.chartArea.left - own.left;
    const right = own.right - (box.left + chart.chartArea.right);
    lanes.style.setProperty("--before", `${Math.max(0, left)}px`);
    lanes.style.setProperty("--after", `${Math.max(0, right)}px`);
  }

  function guide(target) {
    const lanes = document.getElementById("rep-lanes");
    if (lanes === null) return;
    const line = lanes.querySelector(".rep-guide");
    const mark = target instanceof Element ? target.closest("#rep-lanes .rep-mark, #rep-lanes .rep-bar") : null;
    line.hidden = mark === null;
    if (mark !== null) line.style.setProperty("--at", getComputedStyle(mark).getPropertyValue("--at"));
  }

  /* The chart is drawn by its own script, after this event or before it. */
  const soon = () => requestAnimationFrame(() => requestAnimationFrame(align));

  for (const name of ["pointerover", "focusin"]) document.addEventListener(name, (event) => guide(event.target));
  document.addEventListener("htmx:afterSettle", soon);
  window.addEventListener("resize", soon);
  if (document.readyState === "complete") soon();
  else window.addEventListener("load", soon);
})();
