// KPI values as people read them: value, change, coverage, and why there is none.
// The value is the numerator over the denominator, divided here and last. Nothing else is computed of a KPI in the browser.

import { h } from "./dom.js";
import { change, MISSING, period, share, spelled, value } from "./format.js";

/** The KPIs that every scope is introduced with. */
export const CARDS = ["OEE", "A", "E", "Q", "TEEP", "SCRAP", "MTBF", "MTTR"];

/** The value of a row of kpi_value; null when it is not computable. */
export function of(row) {
  if (!row || row.status === "NOT_COMPUTABLE" || row.numerator === null || !row.denominator) return null;
  return row.numerator / row.denominator;
}

/** Why a row has no value, in words. */
export function why(row, words) {
  if (!row) return "nothing was planned or delivered";
  const flag = (row.flags ?? "").split(",")[0];
  return words[flag] ?? spelled(flag);
}

/** The period before a period among those that are published; null when there is none. */
export const before = (starts, start) => starts[starts.indexOf(start) + 1] ?? null;

const NOISE = 5e-4;

/** Whether a change is to the good: 1, −1, or 0 when it is too small to be seen or nobody can say. */
export function better(difference, trend) {
  if (!difference || Math.abs(difference) < NOISE || trend === "TARGET") return 0;
  return (difference > 0) === (trend === "HIGHER") ? 1 : -1;
}

/** The letter of a grade with what it means. */
export const GRADES = {
  A: "A: complete", B: "B: nearly complete", C: "C: usable with care", D: "D: not to be compared",
};

/** Coverage and grade: they stand beside every number. */
export function coverage(row) {
  if (!row) return null;
  return h("span", { class: `coverage grade-${row.grade ?? "none"}`, title: GRADES[row.grade] ?? "" },
    h("span", { class: "bar", style: `--share:${Math.max(0, Math.min(1, row.coverage ?? 0))}`, "aria-hidden": "true" }),
    `${share(row.coverage)} covered${row.grade ? `, grade ${row.grade}` : ""}`);
}

/** A card of one KPI: its value, the change against the period before, its target and its coverage. */
export function kpiCard(kpi, row, earlier, { words, kind, before: start, href }) {
  const now = of(row), then = of(earlier);
  const moved = now !== null && then !== null ? now - then : null;
  const tone = ["worse", "same", "better"][better(moved, kpi.trend) + 1];
  const marks = row?.status === "ESTIMATED" ? "rests on an assumption" : row?.status === "PRELIMINARY" ? "preliminary" : null;
  return h("article", { class: "kpi", "data-kpi": kpi.id },
    h("h2", {}, h("a", { href, title: kpi.definition }, kpi.name)),
    h("p", { class: "value" }, now === null ? MISSING : value(now, kpi.unit)),
    now === null ? h("p", { class: "why" }, `No value: ${why(row, words)}.`)
      : h("p", { class: `change ${tone}` }, moved === null ? "no earlier period" : [change(moved, kpi.unit), " ", h("span", { class: "soft" }, `to ${period(kind, start)}`)]),
    row?.target !== null && row?.target !== undefined ? h("p", { class: "target" }, `Target ${value(row.target, kpi.unit)}`) : null,
    coverage(row), marks ? h("p", { class: "mark" }, marks) : null);
}

/** How the data of a plant stands, in words, with the tone they are said in. */
export const STATUS = { OK: ["up to date", "good"], STALE: ["stale", "bad"], NO_DATA: ["no data yet", "warn"] };

/** Whether a plant's data is up to date; why not is said when it is pointed at. */
export function badge(plant) {
  const [text, tone] = STATUS[plant.status] ?? [plant.status, "warn"];
  return h("span", { class: `badge ${tone}`, title: plant.stale_reason ?? "" }, text);
}

/** How a plant is called. */
export const plantName = (site, id) => site.plants.find((plant) => plant.plant_id === id)?.plant_name || id;

const BASES = { BEST_DEMONSTRATED: "best demonstrated", ENGINEERED: "engineered", ERP_STANDARD: "ERP standard", OTHER: "other" };

/** The ideal rates that a value rests on: best demonstrated 54 %, ERP standard 46 %. */
export const basisOf = (row) => row.rate_basis.replace(/[A-Z_]+/g, (word) => BASES[word] ?? word);

/** Their kinds alone, in one order: values with the same are measured alike. */
export const basesOf = (row) => basisOf(row).replace(/ \d+ %/g, "").split(", ").sort().join(" + ");
