// What the plant delivered beside its time: orders, quality, energy and tags of its historian.

import { figure, nameAxis, valueAxis } from "../../lib/charts.js";
import { bdi, card, h, nothing, table } from "../../lib/dom.js";
import { MISSING, moment, period, plain, share, value } from "../../lib/format.js";
import { go } from "../../lib/state.js";
import { clock } from "./band.js";
import { brief,  wide } from "./values.js";

const iso = (second) => (second === null ? null : new Date(1000 * second).toISOString());
const divided = (part, whole) => (part === null || !whole ? null : part / whole);

export function orders(v) {
  const title = "Orders";
  const rows = v.orders.filter((row) => !v.node || (row.equipment_id && v.inside(row.equipment_id)));
  if (!rows.length) return wide("half", card(title, null, nothing(v.orders.length ? "No order of the newest is planned on this machine." : "No orders are delivered.")));
  const columns = [
    { key: "order_no", title: "Order", show: (row) => bdi(row.order_no ?? row.order_id) }, { key: "material", title: "Product", show: (row) => bdi(row.material ?? MISSING) },
    ...(v.node ? [] : [{ key: "equipment_id", title: "Machine", value: (row) => v.unitName(row.equipment_id), show: (row) => bdi(row.equipment_id ? v.unitName(row.equipment_id) : MISSING) }]),
    { key: "due", title: "Due", value: (row) => iso(row.due), show: (row) => moment(iso(row.due)) }, { key: "ended", title: "Ended", value: (row) => iso(row.ended), show: (row) => moment(iso(row.ended)) },
    { key: "planned_qty", title: "Planned", number: true, show: (row) => plain(row.planned_qty) }, { key: "good", title: "Good", number: true, show: (row) => plain(row.good) },
    { key: "scrap", title: "Scrap", number: true, show: (row) => plain(row.scrap) },
    { key: "made", title: "Good of planned", number: true, value: (row) => divided(row.good, row.planned_qty), show: (row) => value(divided(row.good, row.planned_qty), "ratio") },
    { key: "is_on_time", title: "On time", value: (row) => (row.is_on_time === null ? null : row.is_on_time ? "on time" : "late"),
      show: (row) => (row.is_on_time === null ? MISSING : h("span", { class: `badge ${row.is_on_time ? "good" : "bad"}` }, row.is_on_time ? "on time" : "late")) },
  ];
  return card(title, `The newest ${rows.length}. A dash is what nobody delivered.`, table(columns, rows, { caption: `Orders of ${v.name}` }));
}

export function quality(v) {
  const title = "Quality";
  const mine = v.quality.filter((row) => v.inside(row.equipment_id));
  if (!mine.length) return wide("half", card(title, null, nothing(v.quality.length ? "Nothing was inspected here in the newest days." : "No inspections are delivered.")));
  const yields = summed(mine.filter((row) => row.inspected !== null), (row) => row.production_day, ["inspected", "fp_good"]);
  const days = [...yields.keys()].sort();
  const measured = [...summed(mine.filter((row) => row.characteristic !== null), (row) => JSON.stringify([row.characteristic, row.material, row.lsl, row.usl]), ["n", "sum_x"])]
    .map(([key, sums]) => { const [characteristic, material, lsl, usl] = JSON.parse(key); return { characteristic, material, lsl, usl, ...sums }; });
  const columns = [
    { key: "day", title: "Day", show: (row) => period("DAY", row.day) }, { key: "inspected", title: "Inspected", number: true, show: (row) => plain(row.inspected) },
    { key: "fp_good", title: "Good the first time", number: true, show: (row) => plain(row.fp_good) },
    { key: "fpy", title: "Yield", number: true, value: (row) => divided(row.fp_good, row.inspected), show: (row) => value(divided(row.fp_good, row.inspected), "ratio") },
  ];
  const rows = days.map((day) => ({ day, ...yields.get(day) }));
  const option = (c) => ({
    grid: { left: 8, right: 16, top: 12, bottom: 8, containLabel: true }, tooltip: { trigger: "axis", valueFormatter: (number) => value(number, "ratio") },
    xAxis: nameAxis(c, days.map((day) => brief("DAY", day)), { axisLabel: { color: c.soft, hideOverlap: true } }), yAxis: valueAxis(c, (number) => `${plain(100 * number)} %`, { scale: true, max: 1 }),
    series: [{ name: "First-pass yield", type: "line", symbolSize: 6, data: rows.map((row) => divided(row.fp_good, row.inspected)) }],
  });
  const limits = [
    { key: "characteristic", title: "Measured", show: (row) => bdi(row.characteristic) }, { key: "material", title: "Product", show: (row) => bdi(row.material ?? MISSING) },
    { key: "n", title: "Values", number: true, show: (row) => plain(row.n) }, { key: "mean", title: "Mean", number: true, value: (row) => divided(row.sum_x, row.n), show: (row) => fine(divided(row.sum_x, row.n)) },
    { key: "lsl", title: "From", number: true, show: (row) => fine(row.lsl) }, { key: "usl", title: "To", number: true, show: (row) => fine(row.usl) },
  ];
  return wide("half", card(title, "First-pass yield by day, and what was measured with its limits, over the newest 31 days.",
    days.length ? figure({ label: `First-pass yield of ${v.name} by day`, option, columns, rows, height: 200 }) : nothing("No yields are delivered."),
    measured.length ? table(limits, measured, { caption: "Measured characteristics" }) : null));
}

const fine = (number) => (number === null || number === undefined ? MISSING : new Intl.NumberFormat("en", { maximumSignificantDigits: 5 }).format(number));

function summed(rows, key, names) {
  const found = new Map();
  for (const row of rows) {
    const sums = found.get(key(row)) ?? Object.fromEntries(names.map((name) => [name, null]));
    names.forEach((name) => { if (row[name] !== null) sums[name] = (sums[name] ?? 0) + row[name]; });
    found.set(key(row), sums);
  }
  return found;
}

export function energy(v) {
  const title = "Energy";
  const sums = summed(v.energy.filter((row) => v.inside(row.equipment_id)), (row) => row.production_day, ["energy_kwh", "co2_kg"]);
  const rows = [...sums].map(([day, of]) => ({ day, ...of })).sort((a, b) => a.day.localeCompare(b.day));
  if (!rows.length) return wide("half", card(title, null, nothing(v.energy.length ? "No meter is read at this machine alone." : "No energy is delivered.")));
  const columns = [
    { key: "day", title: "Day", show: (row) => period("DAY", row.day) }, { key: "energy_kwh", title: "kWh", number: true, show: (row) => plain(row.energy_kwh) },
    { key: "co2_kg", title: "kg CO2", number: true, show: (row) => plain(row.co2_kg) },
  ];
  const option = (c) => ({
    grid: { left: 8, right: 16, top: 12, bottom: 8, containLabel: true }, tooltip: { trigger: "axis", valueFormatter: (number) => `${plain(number)} kWh` },
    xAxis: nameAxis(c, rows.map((row) => brief("DAY", row.day)), { axisLabel: { color: c.soft, hideOverlap: true } }), yAxis: valueAxis(c, (number) => `${plain(number)} kWh`),
    series: [{ name: "Energy", type: "bar", data: rows.map((row) => row.energy_kwh) }],
  });
  return wide("half", card(title, "By production day, over the newest 31 days.", figure({ label: `Energy of ${v.name} by day`, option, columns, rows, height: 240 })));
}

export function tags(v) {
  const title = "Tags of the historian";
  const mine = v.tags.filter((row) => !v.node || (row.equipment_id && v.inside(row.equipment_id)));
  if (!mine.length) return wide("half", card(title, null, nothing(v.tags.length ? "No tag with numbers belongs to this machine." : "No historian with numbers is read.")));
  const named = new Map(mine.map((row) => [row.tag_id, row]));
  const chosen = named.get(v.state.tag) ?? mine[0];
  const rows = mine.filter((row) => row.tag_id === chosen.tag_id);
  const at = clock(v.plant.timezone ?? "UTC");
  const unit = chosen.unit ? ` ${chosen.unit}` : "";
  const doubtful = (row) => row.bad + row.uncertain;
  const label = (second) => `${period("DAY", iso(second).slice(0, 10))}, ${at(second)}`;
  const columns = [
    { key: "second", title: "From", value: (row) => iso(row.second), show: (row) => moment(iso(row.second)) }, { key: "low", title: "Smallest", number: true, show: (row) => fine(row.low) },
    { key: "mean", title: "Mean of samples", number: true, show: (row) => fine(row.mean) }, { key: "high", title: "Largest", number: true, show: (row) => fine(row.high) },
    { key: "samples", title: "Samples", number: true, show: (row) => plain(row.samples) }, { key: "doubt", title: "Of bad or uncertain quality", number: true, value: (row) => doubtful(row) / row.samples, show: (row) => share(doubtful(row) / row.samples) },
  ];
  const shaded = rows.map((row, place) => [row, rows[place + 1]?.second ?? row.second + 576]).filter(([row]) => doubtful(row));
  const option = (c) => ({
    grid: { left: 8, right: 16, top: 12, bottom: 8, containLabel: true },
    tooltip: { trigger: "axis", formatter: ([{ dataIndex }]) => said(rows[dataIndex], label, unit, doubtful) },
    xAxis: { type: "time", axisLabel: { color: c.soft, hideOverlap: true, formatter: (ms) => at(ms / 1000) }, axisLine: { lineStyle: { color: c.line } } },
    yAxis: valueAxis(c, fine, { scale: true }),
    series: [
      { name: "mean", type: "line", symbol: "none", step: chosen.is_step ? "end" : false, data: rows.map((row) => [1000 * row.second, row.mean]), lineStyle: { width: 1.5 },
        markArea: { silent: true, itemStyle: { color: c.warn, opacity: 0.22 }, data: shaded.map(([row, end]) => [{ xAxis: 1000 * row.second }, { xAxis: 1000 * Math.min(end, row.second + 576) }]) } },
      { name: "smallest", type: "line", symbol: "none", stack: "range", data: rows.map((row) => [1000 * row.second, row.low]), lineStyle: { opacity: 0 }, stackStrategy: "all" },
      { name: "range", type: "line", symbol: "none", stack: "range", stackStrategy: "all", data: rows.map((row) => [1000 * row.second, row.low === null ? null : row.high - row.low]), lineStyle: { opacity: 0 }, areaStyle: { color: c.series[0], opacity: 0.18 } },
    ],
  });
  const bad = rows.reduce((sum, row) => sum + doubtful(row), 0), all = rows.reduce((sum, row) => sum + row.samples, 0);
  const pick = h("select", { name: "tag", onchange: (event) => go(asked(v, event.target.value)) },
    [...named.values()].map((row) => h("option", { value: row.tag_id, selected: row === chosen || row.tag_id === chosen.tag_id }, [row.equipment_id ? `${v.unitName(row.equipment_id)}: ` : "", row.tag_name].join(""))));
  return wide("half", card(title, "The newest 48 hours: the mean of the samples within their range. Shaded: samples of bad or uncertain quality; the numbers of bad ones are left out.",
    h("label", { class: "pick" }, h("span", {}, "Tag"), pick),
    figure({ label: `Tag ${chosen.tag_name} over the newest 48 hours`, option, columns, rows, height: 240 }),
    h("p", { class: "note" }, `${plain(all)} samples, ${bad ? share(bad / all) : "none"} of bad or uncertain quality.`,
      v.about.tags > 40 ? ` ${v.about.tags - 40} more tags of the plant are in the lake.` : "")));
}

function asked(v, tag) {
  const [, query] = v.to({ tag }).split("?");
  return { page: "plant", id: v.plant.plant_id, ...Object.fromEntries(new URLSearchParams(query ?? "")) };
}

function said(row, label, unit, doubtful) {
  return [label(row.second), `mean ${fine(row.mean)}${unit}, ${fine(row.low)} to ${fine(row.high)}`, `${plain(row.samples)} samples, ${doubtful(row) ? share(doubtful(row) / row.samples) : "none"} bad or uncertain`].join("\n");
}
