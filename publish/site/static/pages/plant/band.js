// The time ledger as bands: what every machine did in a production day, or one machine in the newest days.
// A class of time is told by colour, by the height of its bar and by a letter, so that colour is never the only sign.

import { figure } from "../../lib/charts.js";
import { bdi, card, h, nothing } from "../../lib/dom.js";
import { MISSING, period } from "../../lib/format.js";
import { choice } from "./values.js";

/** Classes of time: name, letter, colour, height. */
export const CLASSES = {
  APT: ["Running", "R", "good", 1], AUST: ["Setup", "S", "s4", 0.8], MICRO: ["Minor stop", "M", "s7", 0.6], ADET_EQ: ["Equipment stop", "E", "bad", 0.8],
  ADET_ORG: ["Organisational stop", "O", "s2", 0.8], ADOT: ["No order", "N", "s5", 0.6], UNKNOWN: ["Unknown", "?", "muted", 0.6],
  PLANNED_BREAK: ["Planned break", "B", "s1", 0.4], PLANNED_MAINT: ["Planned maintenance", "P", "s1", 0.4], PLANNED_NO_DEMAND: ["Planned: no demand", "D", "s1", 0.4],
  PLANNED_OTHER: ["Planned: other", "L", "s1", 0.4], NOT_SCHEDULED: ["Not scheduled", "–", "line", 0.25],
};
const ROW = 46, BAR = 26, HOUR = 3600;
const clocks = new Map();

/** The clock of the plant. */
export function clock(zone) {
  if (!clocks.has(zone)) {
    let format;
    const asked = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    try { format = new Intl.DateTimeFormat("en", { ...asked, timeZone: zone }); } catch { format = new Intl.DateTimeFormat("en", { ...asked, timeZone: "UTC" }); }
    clocks.set(zone, (second) => format.format(new Date(1000 * second)));
  }
  return clocks.get(zone);
}

export function band(v) {
  const mine = v.segments.filter((one) => v.inside(one.equipment_id));
  const title = "Where the time went, minute by minute";
  if (!mine.length) return card(title, null, nothing("No time ledger of the newest days: ", v.segments.length ? "this machine delivered no states." : "no machine states are delivered. OEE may be known without them."));
  const days = [...new Set(mine.map((one) => one.production_day))].sort();
  const units = [...new Set(mine.map((one) => one.equipment_id))].sort((a, b) => v.unitName(a).localeCompare(v.unitName(b), undefined, { numeric: true }));
  const single = units.length === 1;
  const day = days.includes(v.state.day) ? v.state.day : days.at(-1);
  const lines = single ? days.map((one) => line(period("DAY", one), mine.filter((row) => row.production_day === one)))
    : units.map((id) => line(v.unitName(id), mine.filter((row) => row.equipment_id === id && row.production_day === day)));
  const shown = lines.filter((one) => one.rows.length);
  const at = clock(v.plant.timezone ?? "UTC");
  const rows = shown.flatMap((one, place) => one.rows.map((row) => ({ ...row, place, of: one.name, from: (row.starts - one.first) / HOUR, to: (row.ends - one.first) / HOUR })));
  const classes = Object.keys(CLASSES).filter((name) => rows.some((row) => row.time_class === name));
  const widest = Math.max(...rows.map((row) => row.to));
  const reason = (row) => [row.reason_name ?? row.reason_code, row.source_reason_code ? `plant's code ${row.source_reason_code}` : null].filter(Boolean).join(", ");
  const kind = (row) => CLASSES[row.time_class] ?? [row.time_class, "•", "muted", 0.5];
  const columns = [
    { key: "of", title: single ? "Day" : "Machine", show: (row) => bdi(row.of) }, { key: "shift_code", title: "Shift", show: (row) => bdi(row.shift_code ?? MISSING) },
    { key: "starts", title: "From", value: (row) => new Date(1000 * row.starts).toISOString(), show: (row) => at(row.starts) },
    { key: "ends", title: "To", value: (row) => new Date(1000 * row.ends).toISOString(), show: (row) => at(row.ends) },
    { key: "s", title: "Minutes", number: true, value: (row) => (row.ends - row.starts) / 60, show: (row) => ((row.ends - row.starts) / 60).toFixed(1) },
    { key: "time_class", title: "Class", value: (row) => kind(row)[0], show: (row) => kind(row)[0] }, { key: "reason", title: "Reason", value: reason, show: (row) => bdi(reason(row) || MISSING) },
  ];
  const option = (c) => ({
    grid: { left: 8, right: 16, top: 6, bottom: 8, containLabel: true },
    tooltip: { formatter: ({ dataIndex }) => told(rows[dataIndex], at, kind, reason) },
    xAxis: { type: "value", min: 0, max: Math.max(1, Math.ceil(widest)), interval: 2, axisLabel: { color: c.soft, hideOverlap: true, formatter: (hour) => at(shown[0].first + hour * HOUR) }, splitLine: { lineStyle: { color: c.line } } },
    yAxis: { type: "category", inverse: true, data: shown.map((one) => one.name), axisLabel: { color: c.ink, width: 120, overflow: "truncate" }, axisLine: { show: false }, axisTick: { show: false } },
    series: [{ type: "custom", clip: true, encode: { x: [1, 2], y: 0 }, data: rows.map((row) => [row.place, row.from, row.to]), renderItem: ({ dataIndex }, api) => drawn(api, rows[dataIndex], rows[dataIndex - 1], c, kind) }],
  });
  return card(title, [single ? `The newest ${days.length} production days of ${v.name}, on the plant's clock` : `One row a machine, ${period("DAY", day)}, on the plant's clock`, v.plant.timezone ? ` (${v.plant.timezone}).` : "."],
    single ? null : choice("Day", days.map((one) => [one, period("DAY", one)]), day, (key) => v.to({ day: key })),
    h("ul", { class: "legend", "aria-label": "Classes of time" }, classes.map((name) => h("li", {}, h("span", { class: "swatch", style: `--of:var(--${CLASSES[name][2]});--high:${CLASSES[name][3]}`, "aria-hidden": "true" }, h("i", {}, CLASSES[name][1])), CLASSES[name][0]))),
    figure({ label: `Time ledger of ${v.name}`, option, columns, rows, height: 40 + ROW * shown.length, caption: single ? "Segments of time" : `Segments of time, ${period("DAY", day)}` }));
}

function line(name, rows) {
  return { name, rows, first: Math.min(...rows.map((row) => row.starts)) };
}

function told(row, at, kind, reason) {
  const minutes = (row.ends - row.starts) / 60;
  const long = minutes >= 90 ? `${(minutes / 60).toFixed(1)} h` : `${minutes.toFixed(minutes < 10 ? 1 : 0)} min`;
  return [`${row.of}, shift ${row.shift_code ?? "unknown"}`, `${kind(row)[0]}${row.is_preliminary ? " (preliminary)" : ""}`, reason(row), `${at(row.starts)} to ${at(row.ends)}, ${long}`].filter(Boolean).join("\n");
}

/** A bar that stands on the line of its row; a shift's name where it begins. */
function drawn(api, row, last, c, kind) {
  const [x, middle] = api.coord([row.from, row.place]), [end] = api.coord([row.to, row.place]);
  const [, letter, colour, high] = kind(row);
  const width = Math.max(0.5, end - x), base = middle + ROW / 2 - 4;
  const fill = /^s\d$/.test(colour) ? c.series[Number(colour[1]) - 1] : c[colour];
  const parts = [{ type: "rect", shape: { x, y: base - BAR * high, width, height: BAR * high }, style: { fill } }];
  const text = (words, left, top, rest) => ({ type: "text", silent: true, style: { text: words, x: left, y: top, verticalAlign: "middle", font: "600 11px sans-serif", ...rest } });
  if (width > 14 && high > 0.3) parts.push(text(letter, x + width / 2, base - BAR * high / 2, { fill: c.panel, align: "center" }));
  if (row.place !== last?.place || row.shift_code !== last.shift_code) {
    parts.push({ type: "line", silent: true, shape: { x1: x, x2: x, y1: base - BAR - 12, y2: base }, style: { stroke: c.soft, lineWidth: 1 } });
    parts.push(text(row.shift_code ?? "", x + 4, base - BAR - 7, { fill: c.soft, width: 80, overflow: "truncate", font: "11px sans-serif" }));
  }
  return { type: "group", children: parts };
}
