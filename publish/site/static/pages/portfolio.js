// How the portfolio stands, or a company, a class of machines, a family of products: cards, losses in money, what changed, who is stale.
// Elsewhere: plants and machines beside each other (portfolio/compared.js), products (portfolio/family.js).

import { figure, nameAxis, valueAxis } from "../lib/charts.js";
import { json, rows } from "../lib/data.js";
import { bdi, card, h, nothing, table } from "../lib/dom.js";
import { ago, change, hours, moment, money, period, plain, share, value } from "../lib/format.js";
import { badge, before, CARDS, kpiCard, of, plantName, why } from "../lib/kpi.js";
import { go, kept, link, read } from "../lib/state.js";
import { courses, order } from "./portfolio/compared.js";
import { families, family } from "./portfolio/family.js";

const CAUSES = { asked: "built anew on request" };

export async function render(state, site) {
  if (!state.start) return empty(site);
  const kpi = site.kpis.find(({ id }) => id === state.kpi) ?? site.kpis[0];
  const scope = scopeOf(state, site), name = site.families.includes(state.family) ? state.family : null;
  const [above, found, pieces, losses, changes] = await Promise.all([
    rows(`above/${state.profile}/${state.kind}.parquet`),
    rows(scope.scope_type === "CLASS" ? `machines/${state.kind}/${kpi.id}.parquet` : `kpi/${state.profile}/${state.kind}/${kpi.id}.parquet`),
    name ? rows(`families/${state.profile}/${state.kind}.parquet`) : [],
    site.losses[state.kind]?.includes(state.start) ? rows(`losses/${state.kind}/${state.start}.parquet`) : null,
    json("changes.json"),
  ]);
  const made = pieces.filter((row) => row.family === name), shown = inside({ state, site, scope, name, made, found });
  const compared = scope.scope_type === "CLASS" ? machines(state, site, scope, found) : plants(state, site, found);
  compared.rows = compared.rows.filter((row) => shown.has(row.plant_id ?? row.scope_id));
  const all = { state, site, kpi, scope, name, above, losses, changes, compared, plants: site.plants.filter((plant) => shown.has(plant.plant_id)) };
  const top = name ? family({ ...all, rows: made.filter((row) => shown.has(row.plant_id)), compared: plants(state, site, []) }) : [headline(all), cards(all)];
  return [filters(all), top, h("div", { class: "two-thirds stack" }, order(all), name ? null : lossCard(all)), h("div", { class: "third stack" }, courses(all), stale(all), changed(all))];
}

/** The ids of the plants that are shown: of a company, with machines of a class, that made a family in the period. */
function inside({ state, site, scope, name, made, found }) {
  const makers = new Set(made.filter((row) => row.period_start === state.start).map((row) => row.plant_id));
  const owners = new Set(scope.scope_type === "CLASS" ? found.filter((row) => row.equipment_class === scope.scope_id).map((row) => row.plant_id) : []);
  return new Set(site.plants.filter((plant) => (scope.scope_type !== "COMPANY" || plant.company === scope.scope_id)
    && (scope.scope_type !== "CLASS" || owners.has(plant.plant_id)) && (!name || makers.has(plant.plant_id))).map((plant) => plant.plant_id));
}

const plants = (state, site, rows) => ({ rows, many: "Plants", name: (row) => plantName(site, row.scope_id), at: (row) => ({ page: "plant", id: row.scope_id, ...kept(state) }) });

/** The machines of a class: the same kind of machine everywhere, so they are compared and not their plants. */
const machines = (state, site, scope, rows) => ({
  rows: rows.filter((row) => row.equipment_class === scope.scope_id), many: "Machines", name: (row) => `${row.scope_name || row.scope_id} · ${plantName(site, row.plant_id)}`,
  at: (row) => ({ page: "plant", id: row.plant_id, unit: row.scope_id, ...kept(state) }),
  none: "No machine of this class has figures of this period; older ones are in kpi.duckdb.",
  note: state.profile === "ISO" ? null : "Machines have values by the ISO 22400 definition alone. ",
});

/** What is looked at: a company, a class of machines, or everything. */
function scopeOf(state, site) {
  const [type, ...id] = (state.scope ?? "").split(":");
  return site.scopes.find((scope) => scope.scope_type === type && scope.scope_id === id.join(":")) ?? { scope_type: "PORTFOLIO", scope_id: "portfolio", scope_name: "Portfolio" };
}

const set = (change) => go({ ...read(), page: "portfolio", ...change });

function filters({ site, scope, name, kpi, compared }) {
  const kinds = { COMPANY: "Companies", CLASS: "Classes of machines" };
  const groups = Object.entries(kinds).map(([type, name]) => h("optgroup", { label: name },
    site.scopes.filter((one) => one.scope_type === type).map((one) =>
      h("option", { value: `${type}:${one.scope_id}`, selected: one.scope_type === scope.scope_type && one.scope_id === scope.scope_id }, one.scope_name || one.scope_id))));
  return h("div", { class: "filters own", role: "group", "aria-label": "What is shown" },
    h("label", { class: "pick" }, h("span", {}, "Of"), h("select", { name: "scope", onchange: (event) => set({ scope: event.target.value }) },
      h("option", { value: "" }, "Whole portfolio"), groups)),
    families({ site, name, set }),
    h("label", { class: "pick" }, h("span", {}, `${compared.many} by`), h("select", { name: "kpi", onchange: (event) => set({ kpi: event.target.value }) },
      site.kpis.map(({ id, name }) => h("option", { value: id, selected: id === kpi.id }, name)))));
}

const find = (above, scope, kpi, start) =>
  above.find((row) => row.kpi_id === kpi && row.scope_type === scope.scope_type && row.scope_id === scope.scope_id && row.period_start === start);

/** The state of things in one sentence. */
function headline({ state, site, scope, above, losses, plants }) {
  const row = find(above, scope, "OEE", state.start), now = of(row);
  const then = of(find(above, scope, "OEE", before(state.starts, state.start)));
  const lost = losses?.filter((one) => one.of === "CAUSE" && one.scope_type === scope.scope_type && one.scope_id === scope.scope_id) ?? [];
  const amount = sum(lost.map((one) => one.money)), worst = [...lost].sort((a, b) => (b.seconds ?? 0) - (a.seconds ?? 0))[0];
  const stale = plants.filter((plant) => plant.status !== "OK").length;
  return h("p", { class: "headline" }, h("strong", {}, bdi(scope.scope_name || scope.scope_id)), ", ", period(state.kind, state.start), ": ",
    now === null ? `no OEE (${why(row, site.words)}). ` : ["OEE ", h("strong", {}, value(now, "ratio")), then === null ? "" : ` (${change(now - then, "ratio")})`, `, ${share(row.coverage)} covered. `],
    worst?.seconds ? ["Most time is lost to ", h("strong", {}, causeName(site, worst.term)), ` (${hours(worst.seconds)}). `] : null,
    amount === null ? null : ["Losses with a known price are worth ", h("strong", {}, money(amount, site.currency)), ". "],
    stale ? h("a", { href: "#stale" , onclick: (event) => { event.preventDefault(); document.getElementById("stale")?.scrollIntoView(); } }, `${stale} of ${plants.length} plants need somebody.`) : plants.length === 1 ? "Its plant is up to date." : `All ${plants.length} plants are up to date.`);
}

const sum = (values) => { const told = values.filter((one) => one !== null && one !== undefined); return told.length ? told.reduce((a, b) => a + b, 0) : null; };
const causeName = (site, cause) => (site.causes.find((one) => one.cause === cause)?.name ?? cause).replace(/^\d /, "");

function cards({ state, site, scope, above }) {
  const earlier = before(state.starts, state.start);
  return h("div", { class: "cards" }, CARDS.map((id) => site.kpis.find((kpi) => kpi.id === id)).filter(Boolean).map((kpi) =>
    kpiCard(kpi, find(above, scope, kpi.id, state.start), find(above, scope, kpi.id, earlier),
      { words: site.words, kind: state.kind, before: earlier, href: `#/handbook/${kpi.id}` })));
}

/** Where planned time is lost and what that is worth. */
function lossCard({ state, site, scope, losses }) {
  if (!losses) return card("What is lost", null, nothing("The dashboard has the losses of the newest 6 months and 2 quarters; of others tells: plantlake losses"));
  const told = losses.filter((row) => row.of === "CAUSE" && row.scope_type === scope.scope_type && row.scope_id === scope.scope_id && row.seconds !== null && row.seconds > 0)
    .sort((a, b) => b.seconds - a.seconds);
  const amount = sum(told.map((row) => row.money)), weight = sum(told.map((row) => row.seconds)), priced = sum(told.map((row) => row.seconds * (row.valued ?? 0)));
  const columns = [
    { key: "term", title: "Cause", value: (row) => causeName(site, row.term), show: (row) => causeName(site, row.term) },
    { key: "seconds", title: "Hours", number: true, value: (row) => row.seconds / 3600, show: (row) => hours(row.seconds) },
    { key: "share", title: "Of planned time", number: true, show: (row) => value(row.share, "ratio") },
    { key: "money", title: `Worth (${site.currency})`, number: true, show: (row) => money(row.money, site.currency) },
    { key: "valued", title: "Priced", number: true, show: (row) => share(row.valued) },
  ];
  const option = (c) => ({
    grid: { left: 8, right: 110, top: 8, bottom: 24, containLabel: true },
    xAxis: valueAxis(c, (one) => `${plain(one)} h`), yAxis: nameAxis(c, told.map((row) => causeName(site, row.term)), { inverse: true, axisLabel: { width: 190 } }),
    series: [{ type: "bar", barMaxWidth: 20, data: told.map((row) => ({ value: row.seconds / 3600, itemStyle: { color: site.causes.find((one) => one.cause === row.term)?.is_six ? c.series[1] : c.muted } })),
      label: { show: true, position: "right", color: c.ink, formatter: ({ dataIndex }) => [hours(told[dataIndex].seconds), told[dataIndex].money === null ? null : money(told[dataIndex].money, site.currency)].filter(Boolean).join(" · ") } }],
  });
  return h("section", { class: "card" }, h("h2", {}, "What is lost"),
    h("p", { class: "lead" }, amount === null ? "No plant has said what an hour is worth; economics.csv of the portfolio says it. " : `${money(amount, site.currency)} where a price is known: ${share(priced / weight)} of the lost time. `,
      "Orange: the six big losses; grey: the others."),
    figure({ label: "Lost time by cause", caption: `Lost time by cause, ${period(state.kind, state.start)}`, option, rows: told, columns, height: Math.max(120, 40 + told.length * 30) }));
}

function changed({ site, changes }) {
  const { previous, causes, restated } = changes;
  const columns = [
    { key: "scope_id", title: "Plant", value: (row) => plantName(site, row.scope_id), show: (row) => bdi(plantName(site, row.scope_id)) },
    { key: "period_start", title: "Month", show: (row) => period("MONTH", row.period_start) }, { key: "kpi_id", title: "KPI" },
    { key: "value_then", title: "Said before", number: true, show: (row) => value(row.value_then, row.unit) }, { key: "value_now", title: "Today", number: true, show: (row) => value(row.value_now, row.unit) },
    { key: "difference", title: "Change", number: true, show: (row) => change(row.difference, row.unit) },
  ];
  const why = new Map();
  for (const row of causes) why.set(row.cause, [...(why.get(row.cause) ?? []), row.plant_id]);
  return h("section", { class: "card" }, h("h2", {}, "Changed since the last release"),
    h("p", { class: "lead" }, previous ? `Release ${previous.release_id} of ${moment(previous.released_at)}` : "This is the first release."),
    why.size ? h("ul", {}, [...why].map(([cause, plants]) => h("li", {}, `${CAUSES[cause] ?? cause}: `, bdi(plants.length > 6 ? `${plants.length} plants` : plants.join(", "))))) : nothing("Nothing was built anew."),
    previous ? (restated.length ? table(columns, restated, { caption: "Values of the last three months that were said and are others now", most: 50 }) : nothing("No value that had been said is another now.")) : null);
}

function stale({ site, plants }) {
  const now = site.release?.released_at;
  const told = plants.filter((plant) => plant.status !== "OK");
  return h("section", { class: "card", id: "stale" }, h("h2", {}, "Who needs somebody"),
    told.length ? h("ul", { class: "plain" }, told.map((plant) => h("li", {}, badge(plant), " ",
      h("a", { href: link({ page: "trust", plant: plant.plant_id }) }, bdi(plant.plant_name || plant.plant_id)),
      plant.stale_since ? ` since ${moment(plant.stale_since)} (${ago(plant.stale_since, now)})` : "", plant.stale_reason ? [": ", bdi(plant.stale_reason)] : "", plant.owner ? [". Owner: ", bdi(plant.owner)] : "")))
      : nothing("Nobody: every plant's exports were read, checked and published."));
}

function empty(site) {
  return card("No figures yet", null, nothing("No plant has delivered data of a production day."),
    site.plants.length ? h("ul", {}, site.plants.map((plant) => h("li", {}, bdi(plant.plant_name || plant.plant_id), plant.stale_reason ? [": ", bdi(plant.stale_reason)] : ": no data yet")))
      : h("p", {}, "The portfolio has no plants. ", h("code", {}, "plantlake plant new ID --from FILE"), " drafts the first plant file."));
}
