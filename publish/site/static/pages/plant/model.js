// One plant's files as the page asks for them: its tree, the scope that is looked at, values by KPI and period.
// Nothing is computed here; sums and quotients stand where they are shown.

import { json, rows } from "../../lib/data.js";
import { kept, link } from "../../lib/state.js";

const TABLES = ["kpi", "losses", "reasons", "segments", "orders", "quality", "energy", "tags"];
const indexes = new WeakMap();

/** All files of a plant; a table that nothing was delivered for is empty. */
export async function load(plant) {
  const about = await json(`${plant.folder}/about.json`);
  const read = await Promise.all(TABLES.map((name) => (about.files.includes(name) ? rows(`${plant.folder}/${name}.parquet`) : [])));
  return { about, ...Object.fromEntries(TABLES.map((name, place) => [name, read[place]])) };
}

/** What a state looks at in a plant: the scope, the units in it, and ways to its values. */
export function view(data, state, site, plant) {
  const { equipment, scopes } = data.about;
  const node = equipment.find((one) => one.equipment_id === state.unit) ?? null;
  const scope = node ? scopes.find((one) => one.scope_id === node.equipment_id) ?? null : scopes.find((one) => one.scope_type === "PLANT") ?? null;
  const parents = [];
  for (let up = node; up && !parents.includes(up); up = equipment.find((one) => one.equipment_id === up.parent_equipment_id)) parents.unshift(up);
  const below = (id) => equipment.filter((one) => (one.parent_equipment_id ?? null) === id && one.equipment_id !== id);
  const units = new Set();
  const collect = (one) => { if (!units.has(one.equipment_id)) { units.add(one.equipment_id); below(one.equipment_id).forEach(collect); } };
  if (node) collect(node);
  const keep = {
    page: "plant", id: plant.plant_id, ...kept(state),
    unit: node?.equipment_id, trend: state.trend, by: state.by, day: state.day, tag: state.tag,
  };
  const scopeId = node ? node.equipment_id : plant.plant_id;
  const index = indexed(data.kpi);
  const of = (id, kpi, kind, start) => index.get(`${id}|${kpi}|${kind}`)?.get(start) ?? null;
  return {
    ...data, state, site, plant, node, scope, scopeId, parents,
    name: node ? called(node) : plant.plant_name || plant.plant_id,
    type: node ? scope?.scope_type ?? "EQUIPMENT" : "PLANT",
    children: below(node?.equipment_id ?? null).concat(node ? [] : equipment.filter((one) => one.parent_equipment_id && !equipment.some((up) => up.equipment_id === one.parent_equipment_id))),
    inside: (id) => !node || units.has(id),
    to: (change) => link({ ...keep, ...change }),
    row: (kpi, start = state.start, kind = state.kind, id = scopeId) => of(id, kpi, kind, start),
    starts: (kind, id = scopeId) => [...(index.get(`${id}|OEE|${kind}`)?.keys() ?? [])].sort(),
    oldest: (kind) => data.kpi.filter((row) => row.period_type === kind).reduce((least, row) => (least && least < row.period_start ? least : row.period_start), null),
    kpi: (id) => site.kpis.find((kpi) => kpi.id === id),
    unitName: (id) => { const found = equipment.find((one) => one.equipment_id === id); return found ? called(found) : id?.startsWith("~") ? "Plant" : id ?? "Plant"; },
  };
}

function indexed(kpi) {
  if (!indexes.has(kpi)) {
    const index = new Map();
    for (const row of kpi) {
      const key = `${row.scope_id}|${row.kpi_id}|${row.period_type}`;
      if (!index.has(key)) index.set(key, new Map());
      index.get(key).set(row.period_start, row);
    }
    indexes.set(kpi, index);
  }
  return indexes.get(kpi);
}

/** How people call a machine, line or area. */
export const called = (one) => one.equipment_name || one.equipment_code || one.equipment_id;
