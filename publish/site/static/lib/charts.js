// Charts, each with its table: a figure that eyes read as a picture, and everybody else as rows.
// Here: how every chart looks, its colours, its table and its CSV. Elsewhere: what is drawn (pages/*.js).

import { init } from "../vendor/echarts/echarts.esm.min.js";
import { h, nothing, table } from "./dom.js";
import { save } from "./csv.js";

const live = new Set();
const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => target.chart?.resize()));
const seen = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => isIntersecting && target.begin?.()), { rootMargin: "200px" });

/** The colours of the theme, by name, as the style sheet has them. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  return Object.fromEntries(["ink", "soft", "line", "panel", "accent", "accent-soft", "good", "bad", "warn", "muted"].map((name) => [name, of(name)])
    .concat([["series", [1, 2, 3, 4, 5, 6, 7, 8].map((n) => of(`s${n}`))]]));
}

/**
 * A figure: `option` is a function from colours to an ECharts option, `columns` and `rows` its table, `label` what a screen reader
 * says of the picture. `onclick` gets ECharts' parameters; whatever it leads to has to be a link of the table too.
 */
export function figure({ label, option, height = 280, columns, rows, caption, onclick, open = false, onready }) {
  if (!rows.length) return nothing("Nothing to show for this choice.");
  const canvas = h("div", { class: "chart", role: "img", "aria-label": label, style: `height:${height}px` });
  const told = table(columns, rows, { caption: caption ?? label });
  const details = h("details", { class: "told", open }, h("summary", {}, "Table"), h("button", { type: "button", class: "small", onclick: () => save(told.csv) }, "CSV"), told);
  canvas.begin = () => {
    if (canvas.chart) return;
    canvas.chart = init(canvas, null, { renderer: "svg" });
    live.add(canvas);
    canvas.redraw = () => canvas.chart.setOption(themed(colours(), option), true);
    canvas.redraw();
    if (onclick) canvas.chart.on("click", onclick);
    sizes.observe(canvas);
    onready?.(canvas.chart);
  };
  seen.observe(canvas);
  const node = h("figure", {}, canvas, details);
  node.csv = told.csv;
  return node;
}

/** Draws all charts again, as after a change of theme. */
export function redraw() {
  live.forEach((canvas) => canvas.redraw());
}

/** Draws what has not been on screen yet, as before printing. */
export function drawAll(root = document) {
  root.querySelectorAll(".chart").forEach((canvas) => { canvas.begin?.(); canvas.chart?.resize(); });
}

/** Lets go of the charts of a page that is left. */
export function dispose() {
  live.forEach((canvas) => { sizes.unobserve(canvas); seen.unobserve(canvas); canvas.chart.dispose(); });
  live.clear();
}

/** A chart's own option over what all charts have. Tooltips are text, never markup: names come from plants. */
function themed(c, option) {
  const own = option(c);
  return {
    animation: false,
    color: c.series,
    textStyle: { color: c.ink, fontFamily: "inherit" },
    ...own,
    tooltip: { backgroundColor: c.panel, borderColor: c.line, textStyle: { color: c.ink }, confine: true, renderMode: "richText", ...own.tooltip },
  };
}

/** An axis of values in the theme's colours; `show` words its labels. */
export const valueAxis = (c, show, rest = {}) => ({
  type: "value", axisLabel: { color: c.soft, formatter: show, hideOverlap: true }, splitLine: { lineStyle: { color: c.line } }, ...rest,
});

/** An axis of names. */
export const nameAxis = (c, data, rest = {}) => ({
  type: "category", data, axisLabel: { color: c.ink, width: 130, overflow: "truncate", ...(rest.axisLabel ?? {}) },
  axisLine: { lineStyle: { color: c.line } }, axisTick: { show: false }, ...Object.fromEntries(Object.entries(rest).filter(([key]) => key !== "axisLabel")),
});
