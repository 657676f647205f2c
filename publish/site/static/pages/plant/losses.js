// Where the time of a scope was lost: from calendar time to good time, and the reasons of its stops.

import { figure, nameAxis, valueAxis } from "../../lib/charts.js";
import { bdi, card, nothing } from "../../lib/dom.js";
import { hours, MISSING, money, period, plain, share, spelled } from "../../lib/format.js";
import { CLASSES } from "./band.js";
import { choice, wide } from "./values.js";

const MOST = 12;

const here = (v, rows) => rows.filter((row) => row.scope_type === v.type && row.scope_id === v.scopeId && row.period_type === v.state.kind && row.period_start === v.state.start);

function missing(v) {
  const has = v.losses.some((row) => row.period_type === v.state.kind && row.period_start === v.state.start);
  return has || v.state.kind !== "WEEK" ? "No time is accounted for here in this period." : "Losses are published by month and by quarter: choose one above.";
}

export function waterfall(v) {
  const title = "From calendar to good time";
  const found = here(v, v.losses).filter((row) => row.of === "BUCKET").sort((a, b) => a.step - b.step);
  const steps = found.map((row) => ({ ...row, ...(v.site.buckets.find((one) => one.bucket === row.term) ?? { what: "LOSS", name: row.term }) }));
  const unknown = steps.filter((row) => row.seconds === null && row.why && row.why !== "ALL_SPLIT");
  let left = 0;
  const shown = steps.filter((row) => row.what === "LEVEL" || row.seconds).map((row) => {
    left = row.what === "LEVEL" ? row.seconds ?? 0 : left - row.seconds;
    return { ...row, base: row.what === "LEVEL" ? 0 : left };
  });
  if (!shown.length) return wide("half", card(title, null, nothing(missing(v))));
  const named = (row) => (row.what === "LEVEL" ? row.name : `− ${row.name}`);
  const currency = shown.find((row) => row.currency)?.currency;
  const columns = [
    { key: "name", title: "Time", value: named, show: named }, { key: "seconds", title: "Hours", number: true, value: (row) => (row.seconds === null ? null : row.seconds / 3600), show: (row) => hours(row.seconds) },
    { key: "share", title: "Of planned busy time", number: true, show: (row) => share(row.share) },
    ...(currency ? [{ key: "money", title: "Worth", number: true, show: (row) => (row.what === "LOSS" ? money(row.money, row.currency ?? currency) : "") }] : []),
  ];
  const tone = (c, row) => ({ LEVEL: row.term === "GOOD" ? c.good : c.accent, OUT: c.muted, LOSS: c.series[1] })[row.what] ?? c.good;
  const option = (c) => ({
    grid: { left: 8, right: 64, top: 4, bottom: 8, containLabel: true },
    tooltip: { formatter: ({ dataIndex }) => `${named(shown[dataIndex])}\n${hours(shown[dataIndex].seconds)}, ${share(shown[dataIndex].share)} of planned busy time` },
    xAxis: valueAxis(c, (number) => `${plain(number)} h`), yAxis: nameAxis(c, shown.map(named), { inverse: true, axisLabel: { width: 200 } }),
    series: [
      { type: "bar", stack: "t", silent: true, itemStyle: { color: "transparent" }, data: shown.map((row) => row.base / 3600), barWidth: "70%", tooltip: { show: false } },
      { type: "bar", stack: "t", data: shown.map((row) => ({ value: (row.seconds ?? 0) / 3600, itemStyle: { color: tone(c, row) } })),
        label: { show: true, position: "right", color: c.ink, formatter: ({ dataIndex }) => hours(shown[dataIndex].seconds) } },
    ],
  });
  return wide("half", card(title, `${period(v.state.kind, v.state.start)}: what went, and to what.`,
    figure({ label: `From calendar to good time of ${v.name}`, option, columns, rows: shown, height: 30 + 26 * shown.length }),
    unknown.length ? nothing(`Not known: ${unknown.map((row) => `${row.name.toLowerCase()} (${v.site.words[row.why] ?? spelled(row.why)})`).join("; ")}.`) : null));
}

export function pareto(v) {
  const by = v.state.by === "stops" ? "stops" : "seconds";
  const title = "Reasons of stops";
  const found = here(v, v.reasons);
  const rows = found.filter((row) => !row.is_planned).sort((a, b) => (b[by] ?? 0) - (a[by] ?? 0) || String(name(a)).localeCompare(name(b)));
  if (!rows.length) return wide("half", card(title, null, nothing(found.length || v.state.kind !== "WEEK" ? "No unplanned stop is known here in this period." : missing(v))));
  const whole = rows.reduce((sum, row) => sum + (row[by] ?? 0), 0);
  const top = rows.slice(0, MOST), others = rows.slice(MOST).reduce((sum, row) => sum + (row[by] ?? 0), 0);
  const bars = [...top.map((row) => ({ name: name(row), amount: row[by] ?? 0 })), ...(rows.length > MOST ? [{ name: `${rows.length - MOST} other reasons`, amount: others }] : [])];
  let sum = 0;
  bars.forEach((bar) => { sum += bar.amount; bar.together = whole ? sum / whole : null; });
  const worded = (amount) => (by === "seconds" ? hours(amount) : `${plain(amount)} stops`);
  const columns = [
    { key: "name", title: "Reason", value: name, show: (row) => bdi(name(row)) }, { key: "is_planned", title: "Planned", value: (row) => (row.is_planned ? "planned" : "unplanned"), show: (row) => (row.is_planned ? "planned" : "unplanned") },
    { key: "seconds", title: "Hours", number: true, value: (row) => (row.seconds === null ? null : row.seconds / 3600), show: (row) => hours(row.seconds) },
    { key: "stops", title: "Stops", number: true, show: (row) => plain(row.stops) }, { key: "failures", title: "Failures", number: true, show: (row) => plain(row.failures) },
    { key: "code", title: "Code", value: (row) => row.reason_code, show: (row) => bdi(row.reason_code ?? MISSING) },
  ];
  const option = (c) => ({
    grid: { left: 8, right: 24, top: 26, bottom: 8, containLabel: true },
    tooltip: { formatter: ({ dataIndex }) => `${bars[dataIndex].name}\n${worded(bars[dataIndex].amount)}, together with those above ${share(bars[dataIndex].together)}` },
    xAxis: [valueAxis(c, (number) => (by === "seconds" ? `${plain(number)} h` : plain(number)), { position: "bottom" }),
      { ...valueAxis(c, (number) => `${Math.round(100 * number)} %`, { min: 0, max: 1, interval: 0.25, position: "top" }), splitLine: { show: false } }],
    yAxis: nameAxis(c, bars.map((bar) => bar.name), { inverse: true, axisLabel: { width: 200 } }),
    series: [
      { type: "bar", xAxisIndex: 0, barWidth: "62%", itemStyle: { color: c.series[1] }, data: bars.map((bar) => (by === "seconds" ? bar.amount / 3600 : bar.amount)) },
      { type: "line", xAxisIndex: 1, symbol: "circle", symbolSize: 6, lineStyle: { color: c.ink, width: 1.5 }, itemStyle: { color: c.ink }, data: bars.map((bar, place) => [bar.together, place]) },
    ],
  });
  return wide("half", card(title, "The largest first; the line is what they are together (scale above). Planned stops are in the table.",
    choice("Reasons by", [["seconds", "By time"], ["stops", "By number"]], by, (key) => v.to({ by: key === "seconds" ? null : key })),
    figure({ label: `Reasons of stops of ${v.name}`, option, columns, rows: [...rows, ...found.filter((row) => row.is_planned)], height: 60 + 26 * bars.length })));
}

/** A stop that no approved reason explains goes by the plant's own code. */
function name(row) {
  if (row.source_reason_code) return `Not mapped: ${row.source_reason_code}`;
  return row.reason_code === "U-UNC" ? `No reason given${row.time_class ? ` (${(CLASSES[row.time_class]?.[0] ?? row.time_class).toLowerCase()})` : ""}` : row.reason_name ?? row.reason_code ?? "unknown";
}
