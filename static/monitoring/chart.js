/* Draws the chart that #mon-data describes into #mon-chart, and again whenever the live part of the page has
   been renewed. Chart.js comes with Unfold. Colours are CSS variables, so that dark mode is theirs. */
"use strict";

(() => {
  const MARK_SPACE = 32; // labels, and below them the dots of those that have no room
  let chart = null;
  let data = null;

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const dark = () => document.documentElement.classList.contains("dark");
  const lineColour = (index) => css(`--mon-line-${(index % 8) + 1}`);

  function clock(options) {
    const format = new Intl.DateTimeFormat("en-GB", { timeZone: data.zone, hourCycle: "h23", ...options });
    return (seconds) => format.format(new Date(seconds * 1000));
  }

  function amount(value) {
    if (value === null || value === undefined) return "–";
    const digits = data.near ? 4 : Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0;
    const text = value.toLocaleString("en-GB", { maximumFractionDigits: digits });
    return data.unit ? `${text} ${data.unit}` : text;
  }

  const at = (index) => data.start + index * data.step;
  const alone = (values, index) => (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null;
  const over = (index) => {
    const value = data.lines[0].values[index];
    return data.threshold.length > 0 && value !== null && value > data.threshold[index];
  };

  function dataset(line, index) {
    const colour = lineColour(index);
    return {
      label: line.label,
      data: line.values.map((value, step) => ({ x: at(step), y: value })),
      borderColor: colour,
      backgroundColor: colour,
      borderWidth: line.main ? 2 : 1.25,
      order: line.main ? 0 : 1,
      pointRadius: (context) => (alone(line.values, context.dataIndex) ? 2.5 : 0),
      pointHoverRadius: 4,
      pointBorderWidth: 0,
      spanGaps: false,
      segment: line.main ? { borderColor: (context) => (over(context.p1DataIndex) ? css("--mon-bad") : undefined) } : {},
      pointBackgroundColor: (context) => (line.main && over(context.dataIndex) ? css("--mon-bad") : colour),
    };
  }

  function threshold() {
    if (data.threshold.length === 0) return [];
    const points = data.threshold.map((value, step) => ({ x: at(step), y: value }));
    points.push({ x: data.end, y: points[points.length - 1].y });
    return [
      {
        label: "threshold",
        data: points,
        stepped: true,
        borderColor: css("--mon-bad"),
        backgroundColor: css("--mon-bad-ground"),
        borderWidth: 1.5,
        borderDash: [6, 4],
        pointRadius: 0,
        pointHitRadius: 0,
        fill: "end",
        order: 2,
      },
    ];
  }

  function ticks() {
    const length = data.end - data.start;
    const step = [60, 120, 300, 600, 1800, 3600, 7200, 14400, 21600, 43200, 86400].find((each) => length / each <= 8) || 86400;
    const wide = document.getElementById("mon-chart").clientWidth > 560;
    return wide ? step : step * 2;
  }

  /* Where the metric is not well, behind the lines; in words, too. */
  const bands = {
    id: "bands",
    beforeDatasetsDraw(drawn) {
      const { ctx, chartArea, scales } = drawn;
      ctx.save();
      ctx.font = "11px Inter, sans-serif";
      ctx.textAlign = "right";
      for (const band of data.bands) {
        const pixel = (value, open) => Math.min(chartArea.bottom, Math.max(chartArea.top, value === null ? open : scales.y.getPixelForValue(value)));
        const top = pixel(band.high, chartArea.top);
        const bottom = pixel(band.low, chartArea.bottom);
        if (bottom - top < 1) continue;
        ctx.fillStyle = css(`--mon-${band.tone}-ground`);
        ctx.fillRect(chartArea.left, top, chartArea.right - chartArea.left, bottom - top);
        const below = band.text.includes("below");
        const edge = Math.round(below ? top : bottom) + 0.5;
        ctx.strokeStyle = ctx.fillStyle = css(`--mon-${band.tone}`);
        ctx.setLineDash([6, 4]);
        ctx.beginPath();
        ctx.moveTo(chartArea.left, edge);
        ctx.lineTo(chartArea.right, edge);
        ctx.stroke();
        if (bottom - top > 14) ctx.fillText(band.text, chartArea.right - 6, below ? edge + 13 : edge - 5);
      }
      ctx.restore();
    },
  };

  /* Drag over the chart to see that time: the address says from when to when. */
  function zoomable(box) {
    if (!box.dataset.zoom) return;
    const canvas = box.querySelector("canvas");
    let from = null;
    let shade = null;
    const inside = (event) => Math.min(chart.chartArea.right, Math.max(chart.chartArea.left, event.offsetX));
    const end = () => {
      if (shade) shade.remove();
      from = shade = null;
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || chart === null) return;
      from = inside(event);
      canvas.setPointerCapture(event.pointerId);
      shade = document.createElement("div");
      shade.className = "mon-zoom";
      box.append(shade);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (shade === null) return;
      const { top, bottom } = chart.chartArea;
      const to = inside(event);
      Object.assign(shade.style, { left: `${Math.min(from, to)}px`, width: `${Math.abs(to - from)}px`, top: `${top}px`, height: `${bottom - top}px` });
    });
    canvas.addEventListener("pointerup", (event) => {
      if (from === null) return;
      const to = inside(event);
      const [first, last] = [from, to].sort((a, b) => a - b).map((x) => Math.round(chart.scales.x.getValueForPixel(x)));
      const wide = Math.abs(to - from) > 8;
      end();
      if (wide) window.location.search = `${box.dataset.zoom}from=${first}&to=${Math.max(last, first + 60)}`;
    });
    canvas.addEventListener("pointercancel", end);
    document.addEventListener("keydown", (event) => event.key === "Escape" && end());
  }

  /* The vertical lines of the changes; their labels are links above the chart. */
  const marks = {
    id: "marks",
    afterDatasetsDraw(drawn) {
      const { ctx, chartArea, scales } = drawn;
      ctx.save();
      ctx.lineWidth = 1;
      ctx.setLineDash([3, 3]);
      for (const mark of data.marks) {
        const x = Math.round(scales.x.getPixelForValue(mark.at)) + 0.5;
        ctx.strokeStyle = css(`--mon-mark-${mark.tone}`);
        ctx.beginPath();
        ctx.moveTo(x, chartArea.top - 4);
        ctx.lineTo(x, chartArea.bottom);
        ctx.stroke();
      }
      ctx.restore();
    },
    afterRender(drawn) {
      placeMarks(drawn);
    },
  };

  function placeMarks(drawn) {
    const box = document.querySelector("#mon-chart .mon-marks");
    const wanted = JSON.stringify([data.marks, drawn.chartArea, drawn.scales.x.min, drawn.scales.x.max]);
    if (box.dataset.drawn === wanted) return;
    box.dataset.drawn = wanted;
    box.replaceChildren();
    let free = Number.POSITIVE_INFINITY;
    for (const mark of [...data.marks].reverse()) {
      const link = document.createElement("a");
      link.href = mark.url;
      link.title = mark.text;
      link.textContent = mark.text;
      link.tabIndex = -1; // the list below the chart has the same links
      link.dataset.tone = mark.tone;
      box.append(link);
      const x = drawn.scales.x.getPixelForValue(mark.at);
      const right = Math.min(x + link.offsetWidth / 2, drawn.width - 2);
      const left = right - link.offsetWidth;
      if (right > free || left < 0) {
        link.className = "is-dot";
        link.style.left = `${x}px`;
      } else {
        link.style.left = `${left}px`;
        free = left - 4;
      }
    }
  }

  function options() {
    const soft = css("--ops-soft");
    const step = ticks();
    const daily = data.step >= 86400;
    const label = clock(daily ? { day: "numeric", month: "short" } : data.end - data.start > 90000 ? { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" } : { hour: "2-digit", minute: "2-digit" });
    const exact = clock(daily ? { weekday: "short", day: "numeric", month: "short", year: "numeric" } : { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
    const edges = [...data.threshold, ...data.bands.slice(0, 1).map((band) => band.low ?? band.high)];
    const top = edges.length && !data.near ? Math.max(...edges) * 1.2 : undefined;
    return {
      responsive: false,
      maintainAspectRatio: false,
      animation: false,
      normalized: true,
      layout: { padding: { top: data.marks.length ? MARK_SPACE : 8, right: 4 } },
      interaction: { mode: "index", intersect: false },
      scales: {
        x: {
          type: "linear",
          min: data.start,
          max: data.end,
          grid: { color: css("--ops-line"), tickLength: 4 },
          border: { color: css("--ops-line") },
          afterBuildTicks(axis) {
            const first = Math.ceil(data.start / step) * step;
            axis.ticks = [];
            for (let value = first; value <= data.end; value += step) axis.ticks.push({ value });
          },
          ticks: { color: soft, maxRotation: 0, autoSkip: true, callback: (value) => label(value) },
        },
        y: {
          beginAtZero: !data.near,
          suggestedMin: data.near ? edges[0] - (100 - edges[0]) / 2 : undefined,
          suggestedMax: top,
          grid: { color: css("--ops-line"), tickLength: 0 },
          border: { display: false },
          ticks: { color: soft, maxTicksLimit: 6, callback: (value) => amount(value) },
        },
      },
      plugins: {
        legend: { display: false },
        tooltip: {
          backgroundColor: dark() ? "#f4f4f5" : "#18181b",
          titleColor: dark() ? "#18181b" : "#fff",
          bodyColor: dark() ? "#18181b" : "#fff",
          padding: 10,
          boxPadding: 4,
          filter: (item) => item.parsed.x < data.end,
          callbacks: {
            title: (items) => (items.length ? `${exact(items[0].parsed.x)}${daily ? "" : ` ${data.zone}`}` : ""),
            label: (item) => {
              const line = data.lines.find((each) => each.label === item.dataset.label);
              if (line === undefined) return ` threshold ${amount(item.parsed.y)}`;
              return ` ${line.label}: ${amount(item.parsed.y)} · ${line.samples[item.dataIndex]} samples`;
            },
          },
        },
      },
    };
  }

  function fit(box) {
    const canvas = box.querySelector("canvas");
    const { width, height } = box.getBoundingClientRect();
    if (chart) chart.resize(width, height);
    else Object.assign(canvas, { width, height });
  }

  function draw() {
    const box = document.getElementById("mon-chart");
    const source = document.getElementById("mon-data");
    if (box === null || source === null) return;
    data = JSON.parse(source.textContent);
    for (const key of document.querySelectorAll("[data-line]")) key.style.setProperty("--swatch", lineColour(Number(key.dataset.line)));
    const wanted = { datasets: [...data.lines.map(dataset), ...threshold()] };
    if (chart === null) {
      Chart.defaults.font.family = "Inter, sans-serif";
      Chart.defaults.font.size = 12;
      fit(box);
      chart = new Chart(box.querySelector("canvas"), { type: "line", data: wanted, options: options(), plugins: [bands, marks] });
      fit(box);
      new ResizeObserver(() => fit(box)).observe(box);
      zoomable(box);
      return;
    }
    chart.data = wanted;
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
