// What the numbers mean: every KPI of the catalogue, each under an address of its own (#/handbook/OEE).
// Here: the list, its search, and a KPI as one reads it. Elsewhere: what is said of it (metrics.json, made of dbt_project/kpis.yml).

import { json, rowsIf } from "../lib/data.js";
import { bdi, card, h, nothing, table } from "../lib/dom.js";
import { MISSING, period, plain, PROFILES, spelled, value } from "../lib/format.js";
import { plantName } from "../lib/kpi.js";
import { link, read } from "../lib/state.js";

const BETTER = { HIGHER: "higher is better", LOWER: "lower is better", TARGET: "as near to its target as can be" };

export async function render(state, site) {
  const [metrics, about] = await Promise.all([json("metrics.json"), json("handbook.json")]);
  const missing = await rowsIf(about.has_missing, "trust/missing.parquet");
  const all = { state, site, metrics, about, missing };
  const kpi = metrics.kpis.find(({ id }) => id === state.id?.toUpperCase());
  if (!state.id) return contents(all, "card");
  return [kpi ? entry(kpi, all) : unknown(state.id), contents(all, "card third contents")];
}

function unknown(id) {
  return h("section", { class: "card two-thirds" }, h("h2", {}, "There is no KPI ", bdi(id)), nothing("Search the list for what you look for."));
}

/** All KPIs by group; what is typed narrows them. */
function contents({ state, metrics, about }, classes) {
  const list = h("div", { class: "groups" });
  const of = new Map(metrics.kpis.map((kpi) => [kpi.id, kpi]));
  const draw = (find) => {
    const words = find.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const fits = (kpi) => words.every((word) => [kpi.id, kpi.name, kpi.iso_name, kpi.definition, kpi.formula, kpi.standard].join(" ").toLocaleLowerCase().includes(word));
    const groups = Object.entries(about.groups).map(([title, ids]) => [title, ids.map((id) => of.get(id)).filter((kpi) => kpi && fits(kpi))]).filter(([, kpis]) => kpis.length);
    list.replaceChildren(...(groups.length ? groups.map(([title, kpis]) => h("section", {}, h("h3", {}, title), h("ul", { class: "plain" }, kpis.map((kpi) => line(kpi, state, find))))) : [nothing("No KPI fits. Take away a word.")]));
  };
  let waits;
  const typed = (event) => {
    clearTimeout(waits);
    waits = setTimeout(() => {
      history.replaceState(null, "", link({ ...read(), page: "handbook", find: event.target.value }));
      draw(event.target.value);
    }, 150);
  };
  draw(state.find ?? "");
  const node = card(state.id ? "All KPIs" : "KPI handbook", state.id ? null : "Names are those of ISO 22400-2 where it has them; “not ISO” marks those that it does not. Every KPI is one sum divided by another.",
    h("input", { type: "search", name: "find", value: state.find ?? "", placeholder: "name, word or formula", "aria-label": "Find a KPI", oninput: typed }), list);
  node.className = classes;
  return node;
}

function line(kpi, state, find) {
  const here = state.id?.toUpperCase() === kpi.id;
  return h("li", {}, h("a", { href: link({ page: "handbook", id: kpi.id, find }), "aria-current": here ? "page" : null }, kpi.name), " ", h("span", { class: "soft" }, kpi.id),
    state.id ? null : [h("p", {}, kpi.definition), h("p", { class: "note" }, h("code", {}, kpi.formula))]);
}

function entry(kpi, all) {
  const { metrics, site } = all;
  const facts = (...pairs) => h("dl", { class: "facts" }, pairs.filter(([, told]) => told).map(([name, told]) => [h("dt", {}, name), h("dd", {}, told)]));
  const { low, high } = kpi.range ?? {};
  const range = low === null && high === null ? "any" : `${low ?? "−∞"} to ${high ?? "∞"}`;
  const node = card(`${kpi.name} (${kpi.id})`, kpi.definition,
    facts(["Formula", h("code", {}, kpi.formula)], ["Name in ISO 22400-2", kpi.iso_name], ["Standard", kpi.standard], ["Unit", kpi.unit], ["Range", range], ["Trend", BETTER[kpi.trend] ?? kpi.trend],
      ["Roll-up", `${kpi.rollup_rule}: ${metrics.rollup_rules[kpi.rollup_rule] ?? kpi.rollup}`], ["Not comparable", `when these differ: ${kpi.not_comparable_when}`],
      ["Exists for", `${listed(kpi.scopes)}; by ${listed(kpi.periods)}`]),
    h("h3", {}, "Numerator over denominator"), profiles(kpi),
    h("h3", {}, "Made of"), facts(...kpi.parts.map((part) => [part.symbol, part.means])),
    example(kpi),
    h("h3", {}, "What a plant has to deliver"), h("ul", {}, kpi.needs.map((need) => h("li", {}, need.for, ": ", places(need.from)))),
    targets(kpi, all), cannot(kpi, all),
    kpi.why_missing.length ? [h("h3", {}, "No value because"), flags(kpi.why_missing, site, all.about.help)] : null,
    kpi.flags.length ? [h("h3", {}, "Flags on a value"), flags(kpi.flags, site, {})] : null);
  node.classList.add("two-thirds", "entry");
  return node;
}

const listed = (words) => words.map((word) => word.toLowerCase()).join(", ");
const places = (from) => from.map((place, at) => [at ? ", " : "", h("code", {}, place.replaceAll("`", ""))]);

function profiles(kpi) {
  const rows = kpi.profiles.map((row) => ({ ...row, profile: PROFILES[row.profile] ?? row.profile }));
  return table([{ key: "profile", title: "Definition" }, { key: "numerator", title: "Numerator" }, { key: "denominator", title: "Denominator" },
    { key: "numerator_expr", title: "Columns", show: (row) => [h("code", {}, row.numerator_expr), " / ", h("code", {}, row.denominator_expr)], value: (row) => `${row.numerator_expr} / ${row.denominator_expr}` }], rows, { caption: `Sides of ${kpi.id} by definition` });
}

function example({ example: told, parts, id, unit }) {
  if (!told) return null;
  const sides = parts.filter((part) => part.column in told.parts).map((part) => `${part.symbol} = ${plain(told.parts[part.column])}`);
  return h("p", { class: "note" }, h("strong", {}, "Example. "), `${told.told} ${sides.join(", ")}: ${id} = ${value(told.value, unit)}.`);
}

function flags(names, { words }, help) {
  return h("ul", { class: "plain" }, names.map((name) => h("li", {}, h("code", {}, name), " ", words[name] ?? spelled(name),
    help[name] ? h("span", { class: "soft" }, `. What helps: ${help[name].replaceAll("`", "")}`) : null)));
}

function targets(kpi, { metrics, site }) {
  const rows = (metrics.targets ?? []).filter((row) => row.kpi_id === kpi.id);
  if (!rows.length) return null;
  const name = (row) => (row.scope_type === "PLANT" ? plantName(site, row.scope_id) : row.scope_id);
  return [h("h3", {}, "Targets"), table([{ key: "scope_id", title: "Of", show: (row) => bdi(name(row)), value: name }, { key: "target", title: "Target", number: true, show: (row) => value(row.target, kpi.unit) },
    { key: "valid_from", title: "From", show: (row) => (row.valid_from ? period("DAY", row.valid_from) : MISSING) }, { key: "valid_to", title: "Until", show: (row) => (row.valid_to ? period("DAY", row.valid_to) : "open") }], rows, { caption: `Targets of ${kpi.id}` })];
}

/** Plants without a value in the newest month, by reason. */
function cannot(kpi, { missing, about, site }) {
  if (!about.month) return null;
  const of = Map.groupBy(missing.filter((row) => row.kpi_id === kpi.id), (row) => row.why);
  const head = h("h3", {}, `Plants that cannot compute it, ${period("MONTH", about.month)}`);
  if (!of.size) return [head, nothing("Every plant that takes part has a value.")];
  return [head, h("ul", { class: "plain" }, [...of].sort((a, b) => b[1].length - a[1].length).map(([why, rows]) => h("li", {}, `${site.words[why] ?? why} (${plain(rows.length)}): `,
    rows.slice(0, 20).map((row, at) => [at ? ", " : "", h("a", { href: link({ page: "trust", plant: row.plant_id }) }, bdi(plantName(site, row.plant_id)))]),
    rows.length > 20 ? ` and ${plain(rows.length - 20)} more` : "")))];
}
