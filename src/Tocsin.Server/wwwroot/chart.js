// Counts over time by priority, as stacked bars. uPlot is fetched only when a chart is drawn.
import { html, useEffect, useRef, useState } from "./lib/htm-preact.js";
import { count, plural, priorities } from "./format.js";

const height = 190;
const order = [...priorities, "none"];

let library = null;

function loadLibrary() {
  library ??= (async () => {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = "lib/uPlot.css";
    document.head.append(style);
    return (await import("./lib/uPlot.js")).default;
  })();
  return library;
}

/** A colour as the canvas takes it: the custom property names two, for light and dark, and only a used colour is one of them. */
function color(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const used = getComputedStyle(probe).color;
  probe.remove();
  return used;
}

/** Marks of the time axis: the hour within two days, else the day. */
function marks(_, splits, __, ___, increment) {
  return splits.map((t) => {
    const date = new Date(t * 1000);
    return increment >= 86_400 || (date.getHours() === 0 && date.getMinutes() === 0)
      ? date.toLocaleDateString(undefined, { month: "short", day: "numeric" })
      : date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
  });
}

/** Each step of the series from its first to its last, with zeros where nothing happened; and the running sums the bars are drawn by. */
function columns(stats, stepSeconds, from, to) {
  const times = [];
  const first = Math.floor(from / stepSeconds) * stepSeconds;
  for (let t = first; t <= to; t += stepSeconds) times.push(t);
  const at = new Map(stats.series.map((point) => [Math.round(Date.parse(point.time) / 1000), point]));
  const raw = order.map((name) => times.map((t) => (name === "none" ? at.get(t)?.none : at.get(t)?.counts[name]) ?? 0));
  const sums = raw.map(() => new Array(times.length).fill(0));
  for (let i = 0; i < times.length; i++) {
    let sum = 0;
    for (let s = 0; s < raw.length; s++) sums[s][i] = sum += raw[s][i];
  }
  // The tallest first: what is drawn later covers its lower part.
  return { raw: raw.toReversed(), data: [times, ...sums.toReversed()] };
}

const when = (t) => new Date(t * 1000).toLocaleString(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });

export function PriorityChart({ stats, stepSeconds, from, to }) {
  const place = useRef(null);
  const chart = useRef(null);
  const now = useRef(null);
  const [pointed, setPointed] = useState(null);
  now.current = columns(stats, stepSeconds, from, to);
  useEffect(() => {
    let isGone = false;
    let observer = null;
    const draw = async () => {
      const Chart = await loadLibrary();
      if (isGone) return;
      chart.current?.destroy();
      chart.current = new Chart(options(Chart, place.current.clientWidth, stepSeconds, setPointed), now.current.data, place.current);
    };
    draw().then(() => {
      if (isGone) return;
      observer = new ResizeObserver(() => chart.current?.setSize({ width: place.current.clientWidth, height }));
      observer.observe(place.current);
    });
    addEventListener("themechange", draw);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", draw);
    return () => {
      isGone = true;
      removeEventListener("themechange", draw);
      scheme.removeEventListener("change", draw);
      observer?.disconnect();
      chart.current?.destroy();
      chart.current = null;
    };
  }, [stepSeconds]);
  useEffect(() => chart.current?.setData(now.current.data), [stats]);
  const last = now.current.data[0].length - 1;
  const shown = pointed === null || pointed > last ? null : pointed;
  const sum = (values) => values.reduce((all, n) => all + n, 0);
  return html`<div class="chart" ref=${place} role="img" aria-label=${`${plural(stats.total, "event")} over time: ${stats.values.map((row) => `${row.value ?? "none"} ${count(row.count)}`).join(", ")}`}></div>
    <ul class="legend" aria-hidden="true">${order.map((name, i) => html`<li key=${name}><i class=${name}></i>${name === "none" ? "no priority" : name} <b>${count(shown === null ? sum(now.current.raw.at(-1 - i)) : now.current.raw.at(-1 - i)[shown])}</b></li>`)}
      <li class="muted">${shown === null ? "in the whole chart" : `from ${when(now.current.data[0][shown])}`}</li></ul>`;
}

function options(Chart, width, stepSeconds, point) {
  const bars = Chart.paths.bars({ size: [0.85, 40], gap: 1 });
  const axis = { stroke: color("--muted"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line"), width: 1 }, font: "12px system-ui, sans-serif" };
  return {
    width, height, padding: [10, 8, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { show: false } },
    hooks: { setCursor: [(chart) => point(chart.cursor.left >= 0 ? chart.cursor.idx : null)] },
    legend: { show: false },
    scales: { x: { range: (_, min, max) => [min - stepSeconds / 2, max + stepSeconds / 2] }, y: { range: (_, __, max) => [0, Math.max(4, max * 1.05)] } },
    axes: [{ ...axis, values: marks }, { ...axis, size: 46, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6] }],
    series: [{}, ...order.toReversed().map((name) => ({ fill: color(`--${name}`), stroke: color(`--${name}`), width: 0, paths: bars, points: { show: false } }))],
  };
}
