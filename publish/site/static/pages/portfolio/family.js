// A family of products: what pieces alone tell, over the plants that are shown and of each.
// Time belongs to machines and not to products, so OEE, losses and stops of a family are not known to anybody.

import { bdi, card, h, table } from "../../lib/dom.js";
import { MISSING, period, plain, share, value } from "../../lib/format.js";
import { before, kpiCard, of, why } from "../../lib/kpi.js";
import { link } from "../../lib/state.js";

const KPIS = ["QC", "SCRAP", "REWORK", "Q"];

/** The sums of a KPI over plants: both sides, and how many of the pieces made they are known of. */
function summed(rows, kpi, start) {
  const mine = rows.filter((row) => row.kpi_id === kpi && row.period_start === start);
  if (!mine.length) return null;
  const known = mine.filter((row) => row.numerator !== null);
  const over = (found, key) => found.reduce((total, row) => total + row[key], 0);
  return { numerator: known.length ? over(known, "numerator") : null, denominator: over(known, "denominator"), made: over(mine, "made"),
    coverage: over(mine, "known") / over(mine, "made"), flags: mine[0].why, status: "OK" };
}

/** One sentence, cards of the family, and a row for each plant that made it; `rows` are those of the plants that are shown. */
export function family({ state, site, scope, name, rows, compared }) {
  const earlier = before(state.starts, state.start), kpis = KPIS.map((id) => site.kpis.find((kpi) => kpi.id === id)).filter(Boolean);
  const total = summed(rows, "QC", state.start), said = h("strong", {}, bdi(name));
  const within = scope.scope_type === "COMPANY" ? ` in ${scope.scope_name}` : scope.scope_type === "CLASS" ? ` where ${scope.scope_id} stands` : "";
  if (!total) return [h("p", { class: "headline" }, said, ", ", period(state.kind, state.start), `: nobody made it${within}.`)];
  const made = Map.groupBy(rows.filter((row) => row.period_start === state.start), (row) => row.plant_id);
  const plants = [...made].map(([scope_id, mine]) => ({ scope_id, ...Object.fromEntries(KPIS.map((id) => [id, summed(mine, id, state.start)])) }));
  const columns = [
    { key: "scope_id", title: "Plant", value: compared.name, show: (row) => h("a", { href: link(compared.at(row)) }, bdi(compared.name(row))) },
    { key: "made", title: "Made", number: true, value: (row) => row.QC.made, show: (row) => plain(row.QC.made) },
    ...kpis.map((kpi) => ({ key: kpi.id, title: kpi.id, number: true, value: (row) => of(row[kpi.id]),
      show: (row) => (of(row[kpi.id]) === null ? h("span", { class: "soft" }, `${MISSING} ${why(row[kpi.id], site.words)}`) : value(of(row[kpi.id]), kpi.unit)) })),
    { key: "coverage", title: "Counted", number: true, value: (row) => row.QC.coverage, show: (row) => share(row.QC.coverage) },
  ];
  return [
    h("p", { class: "headline" }, said, ", ", period(state.kind, state.start), `: ${plain(total.made)} made in ${plants.length} ${plants.length === 1 ? "plant" : "plants"}${within}. `,
      "Machines and not products have time, so a family has neither OEE nor losses; below stand the plants that make it, each as a whole."),
    h("div", { class: "cards" }, kpis.map((kpi) => kpiCard(kpi, summed(rows, kpi.id, state.start), summed(rows, kpi.id, earlier),
      { words: site.words, kind: state.kind, before: earlier, href: `#/handbook/${kpi.id}` }))),
    card("Where it is made", "Pieces of this family alone.", table(columns, plants, { caption: `${name} by plant, ${period(state.kind, state.start)}` })),
  ];
}

/** The choice of a family; nothing where no product has one. */
export const families = ({ site, name, set }) => (site.families.length ? h("label", { class: "pick" }, h("span", {}, "Making"),
  h("select", { name: "family", onchange: (event) => set({ family: event.target.value }) }, h("option", { value: "" }, "All products"),
    site.families.map((one) => h("option", { value: one, selected: one === name }, one)))) : null);
