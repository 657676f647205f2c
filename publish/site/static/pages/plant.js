// Plants, and one of them from the plant down to a machine.
// Here: what the page is made of and in which order. Elsewhere: its parts (pages/plant/*.js), its figures (publish/site/plants.py).

import { h, nothing } from "../lib/dom.js";
import { load, view } from "./plant/model.js";
import { list } from "./plant/list.js";
import { band } from "./plant/band.js";
import { pareto, waterfall } from "./plant/losses.js";
import { energy, orders, quality, tags } from "./plant/records.js";
import { about, cards, children, crumbs, explain, notices, trend } from "./plant/values.js";

export async function render(state, site) {
  if (!state.id) return list(state, site);
  const plant = site.plants.find((one) => one.plant_id === state.id);
  if (!plant) {
    return h("section", { class: "card notice" }, h("h2", {}, "There is no such plant"),
      nothing("No plant has the id “", h("bdi", {}, state.id), "”. "), h("p", {}, h("a", { href: "#/plant" }, "All plants")));
  }
  const seen = view(await load(plant), state, site, plant);
  document.title = `${seen.name} – ${site.name}`;
  return [
    crumbs(seen), ...notices(seen), cards(seen), trend(seen), children(seen), band(seen), waterfall(seen), pareto(seen),
    orders(seen), quality(seen), energy(seen), tags(seen), about(seen), explain(seen),
  ].filter(Boolean);
}
