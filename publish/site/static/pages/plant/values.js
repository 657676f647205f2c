// The values of a scope: where it is in the plant, its cards, its course, what is below it, and where the numbers come from.

import { figure, nameAxis, valueAxis } from "../../lib/charts.js";
import { bdi, card, h, nothing, table } from "../../lib/dom.js";
import { MISSING, moment, period, share, value } from "../../lib/format.js";
import { before, CARDS, coverage, kpiCard, of, why } from "../../lib/kpi.js";
import { go, kept, link } from "../../lib/state.js";
import { since } from "./list.js";
import { called } from "./model.js";

const COURSE = ["OEE", "A", "E", "Q"];
const SPANS = { DAY: "Days", WEEK: "Weeks", MONTH: "Months", QUARTER: "Quarters" };
const TYPES = { PLANT: "Plant", AREA: "Area", LINE: "Line", EQUIPMENT: "Machine" };

/** Links between which one is chosen. */
export const choice = (label, options, chosen, href) => h("p", { class: "choice", role: "group", "aria-label": label }, options.map(([key, text]) =>
  h("a", { href: href(key), "aria-current": key === chosen ? "true" : null }, text)));

/** plant › area › line › machine. */
export function crumbs(v) {
  const path = [["All plants", link({ page: "plant", ...kept(v.state) })],
    [v.plant.plant_name || v.plant.plant_id, v.to({ unit: null })], ...v.parents.map((one) => [called(one), v.to({ unit: one.equipment_id })])];
  const facts = [v.node ? null : v.plant.company, v.node ? null : v.plant.country_code, v.node?.equipment_class, v.node ? null : v.plant.timezone].filter(Boolean);
  return h("section", { class: "where" },
    h("nav", { "aria-label": "Where" }, h("ol", { class: "crumbs" }, path.map(([name, href], place) =>
      h("li", {}, h("a", { href, "aria-current": place === path.length - 1 ? "page" : null }, bdi(name)))))),
    h("h2", { class: "title" }, bdi(v.name), " ", h("span", { class: "soft kind" }, TYPES[v.type] ?? v.type)),
    h("p", { class: "note" }, facts.map((fact, place) => [place ? " · " : "", bdi(fact)]), facts.length ? " · " : "", "data to ", moment(v.plant.data_to), " ", since(v.plant)));
}

/** What has to be known before the numbers are read. */
export function notices(v) {
  const { plant, state } = v;
  const found = [];
  if (plant.status === "STALE") {
    found.push([`This plant has been stale since ${moment(plant.stale_since)}`, ["Its numbers are those of the last good load. ", bdi(plant.stale_reason ?? "Nobody says why."), " ",
      h("a", { href: link({ page: "trust", id: plant.plant_id }) }, "How far its data can be trusted")]]);
  }
  if (state.unit && !v.node) found.push(["There is no such machine in this plant", ["It may have been renamed or removed. ", h("a", { href: v.to({ unit: null }) }, "The whole plant")]]);
  if (!v.kpi.length) return found.map(notice);
  if (!v.about.files.includes("kpi")) found.push(["There are no numbers of this plant yet", ["Nothing that it delivered makes a value. ", h("a", { href: link({ page: "trust", id: plant.plant_id }) }, "What was read")]]);
  const oldest = v.oldest(state.kind);
  if (oldest && state.start < oldest) found.push([`Pages of plants begin with ${period(state.kind, oldest)}`, ["Older values are in kpi.duckdb, and `plantlake kpi` tells them."]]);
  if (state.profile !== "ISO") found.push(["These values are by the ISO 22400 definition", ["Machines and lines have no other here. ", h("a", { href: link({ page: "compare", period: state.period, profile: state.profile }) }, "Plants by another definition")]]);
  return found.map(notice);
}

const notice = ([title, words]) => h("section", { class: "card notice", role: "note" }, h("h2", {}, title), h("p", {}, words));

/** The cards of the scope and period. */
export function cards(v) {
  const { kind, starts, start } = v.state;
  const earlier = before(starts, start);
  return h("div", { class: "cards eight" }, CARDS.map(v.kpi).filter(Boolean).map((kpi) =>
    kpiCard(kpi, v.row(kpi.id), earlier && v.row(kpi.id, earlier), { words: v.site.words, kind, before: earlier, href: `#/handbook/${kpi.id}` })));
}

/** OEE and its factors over the periods of a kind. */
export function trend(v) {
  const span = SPANS[v.state.trend] ? v.state.trend : v.state.kind;
  const starts = v.starts(span);
  const shown = COURSE.map(v.kpi).filter(Boolean);
  const rows = starts.map((start) => ({ start, ...Object.fromEntries(shown.map((kpi) => [kpi.id, v.row(kpi.id, start, span)])) }));
  const target = v.row("OEE", starts.at(-1), span)?.target;
  const columns = [
    { key: "start", title: "Period", show: (row) => (v.site.periods[span]?.includes(row.start) ? h("a", { href: v.to({ period: `${span}:${row.start}` }) }, period(span, row.start)) : period(span, row.start)) },
    ...shown.map((kpi) => ({ key: kpi.id, title: kpi.name, number: true, value: (row) => of(row[kpi.id]),
      show: (row) => (of(row[kpi.id]) === null ? h("span", { class: "soft", title: why(row[kpi.id], v.site.words) }, MISSING) : value(of(row[kpi.id]), kpi.unit)) })),
    { key: "coverage", title: "Coverage of OEE", value: (row) => row.OEE?.coverage ?? null, show: (row) => coverage(row.OEE) ?? MISSING },
  ];
  const option = (c) => ({
    grid: { left: 8, right: 16, top: 34, bottom: 8, containLabel: true },
    legend: { top: 0, left: 0, textStyle: { color: c.ink }, itemWidth: 22, itemHeight: 8 },
    tooltip: { trigger: "axis", valueFormatter: (number) => value(number, "ratio") },
    xAxis: nameAxis(c, starts.map((start) => brief(span, start)), { axisLabel: { color: c.soft, width: 90, hideOverlap: true } }),
    yAxis: valueAxis(c, (number) => `${Math.round(100 * number)} %`, { min: 0, scale: false }),
    series: shown.map((kpi, place) => ({
      name: kpi.name, type: "line", data: rows.map((row) => of(row[kpi.id])), lineStyle: { width: kpi.id === "OEE" ? 3 : 1.5, type: ["solid", "dashed", "dotted", "dashed"][place] },
      symbol: ["circle", "rect", "triangle", "diamond"][place], symbolSize: 7,
      markLine: kpi.id === "OEE" && target ? { silent: true, symbol: "none", data: [{ yAxis: target }], lineStyle: { color: c.soft }, label: { formatter: "target", position: "insideEndTop", color: c.soft } } : undefined,
    })),
  });
  return card("Course", `OEE is A × E × Q. ${SPANS[span]} with their coverage are in the table.`,
    choice("Course by", Object.entries(SPANS), span, (key) => v.to({ trend: key })),
    figure({ label: `OEE and its factors of ${v.name} by ${span.toLowerCase()}`, option, columns, rows, height: 250,
      onclick: ({ dataIndex }) => v.site.periods[span]?.includes(starts[dataIndex]) && go({ ...at(v), period: `${span}:${starts[dataIndex]}` }) }));
}

const days = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", timeZone: "UTC" });

/** A period as an axis has room for it. */
export const brief = (kind, start) => (kind === "DAY" || kind === "WEEK" ? days.format(new Date(`${start}T00:00:00Z`)) : period(kind, start));

const at = (v) => ({ page: "plant", id: v.plant.plant_id, unit: v.node?.equipment_id, trend: v.state.trend });

/** The width of a card in the grid of the page. */
export function wide(width, node) {
  node.classList.add(width);
  return node;
}

/** What is below the scope, each with its values and a way to it. */
export function children(v) {
  const shown = ["OEE", "A", "E", "Q", "MTBF"].map(v.kpi).filter(Boolean);
  const title = v.node ? "What is in it" : "Lines and machines";
  if (!v.children.length) {
    return card(title, null, nothing(v.node ? "Nothing is below this machine. " : "The plant has no machines yet: they come with its first exports or its plant file."),
      v.node ? h("p", {}, facts(v.node).join(" · ")) : null);
  }
  const row = (one, kpi) => v.row(kpi, v.state.start, v.state.kind, one.equipment_id);
  const columns = [
    { key: "name", title: "Name", value: called, show: (one) => h("a", { href: v.to({ unit: one.equipment_id }) }, bdi(called(one))) },
    { key: "class", title: "Class", value: (one) => one.equipment_class, show: (one) => bdi(one.equipment_class ?? one.level ?? MISSING) },
    ...shown.map((kpi) => ({ key: kpi.id, title: kpi.name, number: true, value: (one) => of(row(one, kpi.id)),
      show: (one) => (of(row(one, kpi.id)) === null ? h("span", { class: "soft", title: why(row(one, kpi.id), v.site.words) }, MISSING) : value(of(row(one, kpi.id)), kpi.unit)) })),
    { key: "coverage", title: "Coverage of OEE", value: (one) => row(one, "OEE")?.coverage ?? null,
      show: (one) => (row(one, "OEE") ? [coverage(row(one, "OEE")), of(row(one, "OEE")) === null ? h("span", { class: "soft" }, ` ${why(row(one, "OEE"), v.site.words)}`) : null] : h("span", { class: "soft" }, why(null, v.site.words))) },
  ];
  const stations = v.children.filter((one) => one.in_rollup === false).length;
  return card(title, stations ? "A station counts through its line and not again beside it." : "Open one to see it alone.",
    table(columns, v.children, { caption: `${title} of ${v.name}` }));
}

const facts = (one) => [one.equipment_code && `code ${one.equipment_code}`, one.equipment_class && `class ${one.equipment_class}`, one.state_method && `states ${one.state_method.toLowerCase()}`].filter(Boolean);

/** What the plant is and what its numbers assume. */
export function about(v) {
  const { shifts, stated } = v.about;
  const calendar = { pattern: "a pattern of shifts in the plant file", records: "machine-shifts that are delivered", none: "unknown" }[v.plant.calendar];
  const assumed = [...stated.map((one) => [one.about.replaceAll("_", " "), one.because])];
  return wide("half", card("What its numbers rest on", null,
    h("dl", { class: "facts" },
      fact("Calendar", calendar ? [calendar, v.plant.assumed_calendar ? " (assumed)" : ""] : MISSING),
      fact("Shifts", shifts.length ? shifts.map((one, place) => [place ? ", " : "", bdi(one.shift_code), ` (${one.days} days)`]) : MISSING),
      fact("Ideal rates", v.plant.assumed_rate ? "some are assumed" : "as stated or measured"),
      fact("Owner", v.plant.owner ? bdi(v.plant.owner) : MISSING),
      fact("Read", `${new Intl.NumberFormat("en").format(v.plant.records_read ?? 0)} records of ${v.plant.exports ?? 0} exports; ${new Intl.NumberFormat("en").format(v.plant.rejected ?? 0)} rejected`)),
    assumed.length ? table([{ key: 0, title: "Assumed", show: (row) => bdi(row[0]), value: (row) => row[0] }, { key: 1, title: "Because", show: (row) => bdi(row[1]), value: (row) => row[1] }], assumed, { caption: "Assumptions of the plant file" })
      : nothing("The plant file states no assumption."),
    h("p", {}, h("a", { href: link({ page: "trust", id: v.plant.plant_id }) }, "How far its data can be trusted"))));
}

const fact = (name, ...words) => [h("dt", {}, name), h("dd", {}, words)];

/** The command that follows a number down to the lines of its exports. */
export function explain(v) {
  if (!v.state.start) return null;
  const code = h("code", { class: "command", tabindex: "0" });
  const said = h("span", { role: "status", class: "note" });
  const set = (kpi) => { code.textContent = command(v, kpi); };
  const copy = async () => {
    getSelection().selectAllChildren(code);
    try { await navigator.clipboard.writeText(code.textContent); said.textContent = " Copied."; } catch { said.textContent = " Marked: copy it with Ctrl+C."; }
  };
  set("OEE");
  const row = v.row("OEE");
  return wide("half", card("Why is this number what it is", "Follows a number down to the segments of time and the lines of the exports it is made of.",
    h("label", { class: "pick" }, h("span", {}, "Number"), h("select", { name: "explained", onchange: (event) => set(event.target.value) }, CARDS.map(v.kpi).filter(Boolean).map((kpi) => h("option", { value: kpi.id }, kpi.name)))),
    h("p", { class: "scroll" }, code), h("p", {}, h("button", { type: "button", onclick: copy }, "Copy"), said),
    row ? h("p", { class: "note" }, `OEE here: ${share(row.coverage)} of the time is covered, ${row.units_in ?? 0} of ${row.units_of ?? 0} machines take part.`) : null));
}

const quoted = (text) => (/^[\w.@%+:-]+$/.test(text) && !text.startsWith("-") ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** `plantlake explain` of a KPI of the scope and period. */
export function command(v, kpi) {
  return `plantlake explain ${kpi} --plant ${quoted(v.plant.plant_id)} --period ${word(v.state.kind, v.state.start)}${v.node ? ` --unit ${quoted(v.node.equipment_id)}` : ""}`;
}

function word(kind, start) {
  const [year, month] = start.split("-");
  if (kind === "MONTH") return `${year}-${month}`;
  if (kind === "QUARTER") return `${year}-Q${Math.ceil(Number(month) / 3)}`;
  const thursday = new Date(Date.parse(`${start}T00:00:00Z`) + 3 * 86400000);
  const week = 1 + Math.floor((thursday - Date.UTC(thursday.getUTCFullYear(), 0, 1)) / (7 * 86400000));
  return `${thursday.getUTCFullYear()}-W${String(week).padStart(2, "0")}`;
}
