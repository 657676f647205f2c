// Plants beside each other, or the machines of a class: in order, and over time.
// What is compared comes as `compared`: {rows, many (what they are called), name(row), at(row) (the state of a row's own page),
// none (what to say when there are none), note (what to know of them)}.

import { figure, nameAxis, valueAxis } from "../../lib/charts.js";
import { bdi, h, nothing, table } from "../../lib/dom.js";
import { change, MISSING, period, share, value } from "../../lib/format.js";
import { basesOf, before, better, coverage, of, why } from "../../lib/kpi.js";
import { between, quartiles, ranked } from "../../lib/rank.js";
import { spark } from "../../lib/spark.js";
import { go, link } from "../../lib/state.js";

/** Rows of a chart or of courses; the table has all. */
const MOST = 24;
const LEFT = { GRADE_D: "grade D", NO_TARGET: "no target" };

/** In order, with the least and the most that each can be; where bands overlap there is no order. */
export function order({ state, site, kpi, compared }) {
  const { many, name, at } = compared, one = many.toLowerCase().replace(/s$/, "");
  const earlier = new Map(compared.rows.filter((row) => row.period_start === before(state.starts, state.start)).map((row) => [row.scope_id, of(row)]));
  const found = ranked(compared.rows.filter((row) => row.period_start === state.start), kpi.trend);
  const inside = found.filter((row) => !row.left), shown = inside.length > MOST ? [...inside.slice(0, MOST / 2), ...inside.slice(-MOST / 2)] : inside;
  const quarter = quartiles(inside.map((row) => row.value));
  const moved = (row) => (row.value !== null && (earlier.get(row.scope_id) ?? null) !== null ? row.value - earlier.get(row.scope_id) : null);
  const columns = [
    { key: "rank", title: "Rank", number: true, value: (row) => row.rank ?? null, show: (row) => (row.rank ? `${row.rank}${row.shared ? "=" : ""}` : MISSING) },
    { key: "scope_id", title: one[0].toUpperCase() + one.slice(1), value: name, show: (row) => h("a", { href: link(at(row)) }, bdi(name(row))) },
    { key: "value", title: kpi.id, number: true, value: (row) => row.value, show: (row) => (row.value === null ? `${MISSING} ${why(row, site.words)}` : value(row.value, kpi.unit)) },
    { key: "moved", title: "Change", number: true, value: moved, show: (row) => h("span", { class: ["worse", "soft", "better"][better(moved(row), kpi.trend) + 1] }, change(moved(row), kpi.unit)) },
    { key: "band", title: "From, to", number: true, value: (row) => (row.value === null ? null : between(row)[0]), show: (row) => band(row, kpi) },
    { key: "target", title: "Target", number: true, show: (row) => value(row.target, kpi.unit) },
    { key: "coverage", title: "Coverage", value: (row) => row.coverage, show: (row) => [coverage(row), row.left && LEFT[row.left] ? h("span", { class: "soft" }, ` no rank: ${LEFT[row.left]}`) : null] },
  ];
  const ends = extent(shown.flatMap((row) => [row.value, ...between(row), row.target]));
  const option = (c) => ({
    grid: { left: 8, right: 64, top: 8, bottom: 24, containLabel: true },
    // Dots, not bars: an axis that does not begin at zero must not be read by length.
    xAxis: valueAxis(c, (one) => value(one, kpi.unit).replace(".0", ""), { scale: true, min: ends[0], max: ends[1] }),
    yAxis: nameAxis(c, shown.map(name), { inverse: true, axisLabel: { width: 190 } }),
    series: [
      { type: "scatter", symbolSize: 14, data: shown.map((row, place) => ({ value: [row.value, place], itemStyle: { color: row.grade === "C" ? c.panel : c.accent, borderColor: c.accent, borderWidth: 2 } })),
        label: { show: true, position: "right", color: c.ink, formatter: ({ dataIndex }) => value(shown[dataIndex].value, kpi.unit) },
        markArea: quarter ? { silent: true, itemStyle: { color: c["accent-soft"], opacity: 0.55 }, data: [[{ xAxis: quarter[0] }, { xAxis: quarter[2] }]] } : undefined, z: 3 },
      { type: "custom", z: 5, silent: true, data: shown.map((row, place) => [place, ...between(row), row.target ?? NaN]), encode: { x: [1, 2], y: 0 },
        renderItem: (_, api) => marks(api, c) },
    ],
    tooltip: { trigger: "item", formatter: ({ dataIndex }) => { const row = shown[dataIndex]; return row ? `${name(row)}\n${value(row.value, kpi.unit)}, ${share(row.coverage)} covered, grade ${row.grade}` : ""; } },
  });
  const lead = [compared.note, shown.some((row) => row.target !== null) ? "The orange mark is the target. " : "", quarter ? `The band in the back holds the middle half of the ${many.toLowerCase()}. ` : "", shown.some((row) => row.shared) ? "Equal ranks (=) mean that the values cannot be told apart. " : "",
    inside.length > MOST ? `The chart shows the ${MOST / 2} best and the ${MOST / 2} worst of ${inside.length}; the table has all. ` : "", bases(found)];
  return h("section", { class: "card" }, h("h2", {}, `${many} by ${kpi.name}`), h("p", { class: "lead" }, lead),
    inside.length ? figure({ label: `${kpi.name} of ${inside.length} ${many.toLowerCase()}, best first`, caption: `${kpi.name} by ${one}, ${period(state.kind, state.start)}`, option, rows: found, columns, open: true,
      height: Math.max(150, 46 + shown.length * 30), onclick: ({ dataIndex }) => go(at(shown[dataIndex])) })
      : found.length ? table(columns, found, { caption: `${kpi.name} by ${one}: none can be ranked` }) : nothing(compared.none ?? `No ${one} has figures of this period.`));
}

/** Ends of an axis: all values with a little air, at round numbers of their range. */
function extent(values) {
  const told = values.filter((one) => one !== null && one !== undefined);
  const low = Math.min(...told), high = Math.max(...told), range = high - low || Math.abs(high) / 10 || 1;
  const step = 10 ** Math.floor(Math.log10(range)) / 2;
  return [Math.floor((low - range * 0.04) / step) * step, Math.ceil((high + range * 0.04) / step) * step];
}

function band(row, kpi) {
  if (row.value === null) return row.high !== null && row.low !== null ? `${value(row.low, kpi.unit)} to ${value(row.high, kpi.unit)}` : MISSING;
  const [low, high] = between(row);
  return value(low, kpi.unit) === value(high, kpi.unit) ? MISSING : `${value(low, kpi.unit)} to ${value(high, kpi.unit)}`;
}

/** Plants on different bases of ideal rates are not fairly compared: say so. */
function bases(found) {
  const told = [...new Set(found.filter((row) => row.rate_basis).map((row) => basesOf(row)))];
  return told.length > 1 ? h("strong", { class: "warn" }, `Ideal rates have different bases (${told.join("; ")}): compare with care.`) : null;
}

function marks(api, c) {
  const [x0, y] = api.coord([api.value(1), api.value(0)]), [x1] = api.coord([api.value(2), api.value(0)]);
  const children = [];
  if (x1 - x0 > 2) children.push({ type: "line", shape: { x1: x0, x2: x1, y1: y, y2: y }, style: { stroke: c.ink, lineWidth: 2 } });
  if (!Number.isNaN(api.value(3))) {
    const [x] = api.coord([api.value(3), api.value(0)]);
    children.push({ type: "line", shape: { x1: x, x2: x, y1: y - 11, y2: y + 11 }, style: { stroke: c.warn, lineWidth: 3 } });
  }
  return { type: "group", children };
}

/** Every course over the periods, on one scale. */
export function courses({ state, kpi, compared }) {
  const { many, name, at } = compared;
  const said = new Set(compared.rows.map((row) => row.period_start)), all = [...state.starts].reverse();
  const starts = all.slice(Math.max(0, all.findIndex((start) => said.has(start))));
  const of_one = new Map();
  for (const row of compared.rows) of_one.set(row.scope_id, (of_one.get(row.scope_id) ?? new Map()).set(row.period_start, row));
  const told = [...of_one.values()].map((course) => ({ row: course.values().next().value, values: starts.map((start) => of(course.get(start))) })).filter(({ values }) => values.some((one) => one !== null));
  const known = told.flatMap(({ values }) => values).filter((one) => one !== null);
  if (!known.length) return null;
  const [low, high] = [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))];
  const now = starts.indexOf(state.start);
  const one = ({ row, values }) => h("li", {}, h("a", { href: link(at(row)) }, h("span", { class: "name" }, bdi(name(row))),
    h("span", { class: "now" }, value(values[now], kpi.unit)),
    spark(values, { low, high, mark: now, label: `${kpi.name} of ${name(row)}: ${value(values[now], kpi.unit)} in ${period(state.kind, state.start)}` })));
  told.sort((a, b) => name(a.row).localeCompare(name(b.row), undefined, { numeric: true }));
  const list = h("ul", { class: "courses" }, told.slice(0, MOST).map(one));
  const more = told.length > MOST ? h("button", { type: "button", onclick: () => { list.append(...told.slice(MOST).map(one)); more.remove(); } }, `Show all ${told.length} ${many.toLowerCase()}`) : null;
  return h("section", { class: "card" }, h("h2", {}, "Over time"),
    h("p", { class: "lead" }, `${period(state.kind, starts[0])} to ${period(state.kind, starts.at(-1))}, all between ${value(low, kpi.unit)} and ${value(high, kpi.unit)}`), list, more);
}

