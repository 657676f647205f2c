// All plants, to be searched: how they stand and how far their data goes.

import { rows } from "../../lib/data.js";
import { bdi, card, h, nothing, table } from "../../lib/dom.js";
import { MISSING, moment, period, value } from "../../lib/format.js";
import { badge, coverage, of, STATUS, why } from "../../lib/kpi.js";
import { kept, link, read } from "../../lib/state.js";

export async function list(state, site) {
  if (!site.plants.length) return card("Plants", null, nothing("The portfolio has no plants yet. Add a file to plants/ and run `plantlake refresh`."));
  const values = state.start ? await rows(`kpi/${state.profile}/${state.kind}/OEE.parquet`) : [];
  const oee = new Map(values.filter((row) => row.period_start === state.start).map((row) => [row.scope_id, row]));
  const kpi = site.kpis.find((one) => one.id === "OEE");
  const value_of = (plant) => of(oee.get(plant.plant_id));
  const columns = [
    { key: "plant_name", title: "Plant", value: (p) => p.plant_name || p.plant_id,
      show: (p) => h("a", { href: link({ page: "plant", id: p.plant_id, ...kept(state) }) }, bdi(p.plant_name || p.plant_id)) },
    { key: "plant_id", title: "Id", show: (p) => bdi(p.plant_id) },
    { key: "company", title: "Company", show: (p) => (p.company ? bdi(p.company) : MISSING) },
    { key: "status", title: "Data", show: (p) => since(p) },
    { key: "data_to", title: "Data to", show: (p) => moment(p.data_to) },
    { key: "oee", title: `OEE, ${state.start ? period(state.kind, state.start) : ""}`, number: true, value: value_of,
      show: (p) => (value_of(p) === null ? h("span", { class: "soft", title: why(oee.get(p.plant_id), site.words) }, MISSING) : value(value_of(p), kpi?.unit)) },
    { key: "coverage", title: "Coverage", value: (p) => oee.get(p.plant_id)?.coverage ?? null,
      show: (p) => coverage(oee.get(p.plant_id)) ?? h("span", { class: "soft" }, why(null, site.words)) },
  ];
  const place = h("div");
  const count = h("p", { class: "note", role: "status" });
  const search = h("input", { type: "search", id: "plant-search", value: state.q ?? "", autocomplete: "off", oninput: () => {
    history.replaceState(null, "", link({ ...read(), page: "plant", q: search.value }));
    draw();
  } });
  function draw() {
    const words = search.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const text = (p) => [p.plant_id, p.plant_name, p.company, p.country_code, STATUS[p.status]?.[0]].join(" ").toLocaleLowerCase();
    const found = site.plants.filter((p) => words.every((word) => text(p).includes(word)));
    count.textContent = `${found.length} of ${site.plants.length} plants`;
    place.replaceChildren(found.length ? table(columns, found, { caption: "Plants" }) : nothing("No plant has these words in its id, name, company, country or state."));
  }
  draw();
  return card("Plants", "Open a plant to see it down to its machines.", h("p", { class: "search" }, h("label", { for: "plant-search" }, "Search "), search), count, place);
}

/** Whether a plant's data is up to date, in words; since when not, and why. */
export function since(plant) {
  return [badge(plant), plant.stale_since ? h("span", { class: "soft small-text" }, ` since ${moment(plant.stale_since)}`) : null];
}
