/* Draws the score that #risk-data describes into #risk-chart: a bar for each step, its factors stacked, and above it
   what the missing factors could make of it. Again whenever the page has been renewed. Chart.js comes with Unfold. */
"use strict";

(() => {
  let chart = null;
  let data = null;

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colour = (index) => css(`--mon-line-${index + 1}`);
  const middle = (step) => data.start + (step + 0.5) * data.step;

  function clock(options) {
    const format = new Intl.DateTimeFormat("en-GB", { timeZone: data.zone, hourCycle: "h23", ...options });
    return (seconds) => format.format(new Date(seconds * 1000));
  }

  function datasets() {
    const parts = data.parts.map((part, index) => ({
      type: "bar",
      label: part.label,
      data: part.values.map((value, step) => ({ x: middle(step), y: value })),
      backgroundColor: colour(index),
      stack: "score",
      barPercentage: 1,
      categoryPercentage: 1,
      order: 1,
    }));
    const high = {
      type: "line",
      label: "could be",
      data: data.high.map((value, step) => ({ x: middle(step), y: value })),
      borderColor: css("--ops-soft"),
      borderWidth: 1.5,
      borderDash: [5, 3],
      pointRadius: 0,
      stack: "high",
      order: 0,
    };
    return [...parts, high];
  }

  function ticks() {
    const length = data.end - data.start;
    const wide = document.getElementById("risk-chart").clientWidth > 560;
    const step = [3600, 7200, 14400, 21600, 43200, 86400].find((each) => length / each <= 8) || 86400;
    return wide ? step : step * 2;
  }

  function options() {
    const soft = css("--ops-soft");
    const step = ticks();
    const day = data.end - data.start > 90000;
    const label = clock(day ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" });
    const exact = clock({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    return {
      responsive: false,
      maintainAspectRatio: false,
      animation: false,
      interaction: { mode: "index", intersect: false },
      scales: {
        x: {
          type: "linear",
          stacked: true,
          offset: false,
          min: data.start,
          max: data.end,
          grid: { color: css("--ops-line"), tickLength: 4 },
          border: { color: css("--ops-line") },
          afterBuildTicks(axis) {
            axis.ticks = [];
            for (let value = Math.ceil(data.start / step) * step; value <= data.end; value += step) axis.ticks.push({ value });
          },
          ticks: { color: soft, maxRotation: 0, autoSkip: true, callback: (value) => label(value) },
        },
        y: {
          stacked: true,
          min: 0,
          max: 100,
          grid: { color: css("--ops-line"), tickLength: 0 },
          border: { display: false },
          ticks: { color: soft, stepSize: 25 },
        },
      },
      plugins: {
        legend: { display: false },
        tooltip: {
          padding: 10,
          boxPadding: 4,
          callbacks: {
            title: (items) => (items.length ? `from ${exact(items[0].parsed.x - data.step / 2)} ${data.zone}` : ""),
            label: (item) => ` ${item.dataset.label}: ${item.parsed.y.toFixed(1)}`,
          },
        },
      },
    };
  }

  function fit(box) {
    const { width, height } = box.getBoundingClientRect();
    if (chart) chart.resize(width, height);
    else Object.assign(box.querySelector("canvas"), { width, height });
  }

  function draw() {
    const box = document.getElementById("risk-chart");
    const source = document.getElementById("risk-data");
    if (box === null || source === null) return;
    data = JSON.parse(source.textContent);
    for (const key of document.querySelectorAll("[data-part]")) key.style.setProperty("--swatch", colour(Number(key.dataset.part)));
    if (chart === null) {
      Chart.defaults.font.family = "Inter, sans-serif";
      Chart.defaults.font.size = 12;
      fit(box);
      chart = new Chart(box.querySelector("canvas"), { data: { datasets: datasets() }, options: options() });
      fit(box);
      new ResizeObserver(() => fit(box)).observe(box);
      return;
    }
    chart.data = { datasets: datasets() };
    chart.options = options();
    chart.update("none");
  }

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target.id === "ops-live") draw();
  });
  new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
  if (document.readyState === "complete") draw();
  else window.addEventListener("load", draw);
})();
