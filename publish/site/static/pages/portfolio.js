// How the portfolio stands: cards, plants in order, courses, losses in money, what changed, who is stale.

import { figure, nameAxis, valueAxis } from "../lib/charts.js";
import { json, rows } from "../lib/data.js";
import { bdi, card, h, nothing, table } from "../lib/dom.js";
import { ago, change, hours, MISSING, moment, money, period, plain, share, value } from "../lib/format.js";
import { badge, basesOf, before, better, CARDS, coverage, kpiCard, of, plantName, why } from "../lib/kpi.js";
import { between, quartiles, ranked } from "../lib/rank.js";
import { spark } from "../lib/spark.js";
import { go, kept, link, read } from "../lib/state.js";

/** Plants in a chart or a row of courses; the table has all. */
const MOST = 24;
const BASES = { BEST_DEMONSTRATED: "best demonstrated", ENGINEERED: "engineered", ERP_STANDARD: "ERP standard", OTHER: "other" };
const CAUSES = { asked: "built anew on request" };
const LEFT = { GRADE_D: "grade D", NO_TARGET: "no target" };

export async function render(state, site) {
  if (!state.start) return empty(site);
  const kpi = site.kpis.find(({ id }) => id === state.kpi) ?? site.kpis[0];
  const scope = scopeOf(state, site);
  const [above, plants, losses, changes] = await Promise.all([
    rows(`above/${state.profile}/${state.kind}.parquet`),
    rows(`kpi/${state.profile}/${state.kind}/${kpi.id}.parquet`),
    site.losses[state.kind]?.includes(state.start) ? rows(`losses/${state.kind}/${state.start}.parquet`) : null,
    json("changes.json"),
  ]);
  const all = { state, site, kpi, scope, above, losses, changes, plants: plants.filter((row) => inside(scope, row, site)) };
  const beside = [scope.scope_type === "CLASS" ? null : courses(all), stale(all), changed(all)];
  return [filters(all), headline(all), cards(all), h("div", { class: "two-thirds stack" }, scope.scope_type === "CLASS" ? null : order(all), lossCard(all)), h("div", { class: "third stack" }, beside)];
}

/** What is looked at: a company, a class of machines, or everything. */
function scopeOf(state, site) {
  const [type, ...id] = (state.scope ?? "").split(":");
  return site.scopes.find((scope) => scope.scope_type === type && scope.scope_id === id.join(":")) ?? { scope_type: "PORTFOLIO", scope_id: "portfolio", scope_name: "Portfolio" };
}

function inside(scope, row, site) {
  return scope.scope_type !== "COMPANY" || site.plants.find((plant) => plant.plant_id === row.scope_id)?.company === scope.scope_id;
}

const set = (change) => go({ ...read(), page: "portfolio", ...change });

function filters({ site, scope, kpi }) {
  const kinds = { COMPANY: "Companies", CLASS: "Classes of machines" };
  const groups = Object.entries(kinds).map(([type, name]) => h("optgroup", { label: name },
    site.scopes.filter((one) => one.scope_type === type).map((one) =>
      h("option", { value: `${type}:${one.scope_id}`, selected: one.scope_type === scope.scope_type && one.scope_id === scope.scope_id }, one.scope_name || one.scope_id))));
  return h("div", { class: "filters own", role: "group", "aria-label": "What is shown" },
    h("label", { class: "pick" }, h("span", {}, "Of"), h("select", { name: "scope", onchange: (event) => set({ scope: event.target.value }) },
      h("option", { value: "" }, "Whole portfolio"), groups)),
    h("label", { class: "pick" }, h("span", {}, "Plants by"), h("select", { name: "kpi", onchange: (event) => set({ kpi: event.target.value }) },
      site.kpis.map(({ id, name }) => h("option", { value: id, selected: id === kpi.id }, name)))));
}

const find = (above, scope, kpi, start) =>
  above.find((row) => row.kpi_id === kpi && row.scope_type === scope.scope_type && row.scope_id === scope.scope_id && row.period_start === start);

/** The state of things in one sentence. */
function headline({ state, site, scope, above, losses }) {
  const row = find(above, scope, "OEE", state.start), now = of(row);
  const then = of(find(above, scope, "OEE", before(state.starts, state.start)));
  const lost = losses?.filter((one) => one.of === "CAUSE" && one.scope_type === scope.scope_type && one.scope_id === scope.scope_id) ?? [];
  const amount = sum(lost.map((one) => one.money)), worst = [...lost].sort((a, b) => (b.seconds ?? 0) - (a.seconds ?? 0))[0];
  const stale = site.plants.filter((plant) => plant.status !== "OK").length;
  return h("p", { class: "headline" }, h("strong", {}, bdi(scope.scope_name || scope.scope_id)), ", ", period(state.kind, state.start), ": ",
    now === null ? `no OEE (${why(row, site.words)}). ` : ["OEE ", h("strong", {}, value(now, "ratio")), then === null ? "" : ` (${change(now - then, "ratio")})`, `, ${share(row.coverage)} covered. `],
    worst?.seconds ? ["Most time is lost to ", h("strong", {}, causeName(site, worst.term)), ` (${hours(worst.seconds)}). `] : null,
    amount === null ? null : ["Losses with a known price are worth ", h("strong", {}, money(amount, site.currency)), ". "],
    stale ? h("a", { href: "#stale" , onclick: (event) => { event.preventDefault(); document.getElementById("stale")?.scrollIntoView(); } }, `${stale} of ${site.plants.length} plants need somebody.`) : `All ${site.plants.length} plants are up to date.`);
}

const sum = (values) => { const told = values.filter((one) => one !== null && one !== undefined); return told.length ? told.reduce((a, b) => a + b, 0) : null; };
const causeName = (site, cause) => (site.causes.find((one) => one.cause === cause)?.name ?? cause).replace(/^\d /, "");

function cards({ state, site, scope, above }) {
  const earlier = before(state.starts, state.start);
  return h("div", { class: "cards" }, CARDS.map((id) => site.kpis.find((kpi) => kpi.id === id)).filter(Boolean).map((kpi) =>
    kpiCard(kpi, find(above, scope, kpi.id, state.start), find(above, scope, kpi.id, earlier),
      { words: site.words, kind: state.kind, before: earlier, href: `#/handbook/${kpi.id}` })));
}

/** Plants in order, with the least and the most that each can be; where bands overlap there is no order. */
function order({ state, site, kpi, plants }) {
  const earlier = new Map(plants.filter((row) => row.period_start === before(state.starts, state.start)).map((row) => [row.scope_id, of(row)]));
  const found = ranked(plants.filter((row) => row.period_start === state.start), kpi.trend);
  const inside = found.filter((row) => !row.left), shown = inside.length > MOST ? [...inside.slice(0, MOST / 2), ...inside.slice(-MOST / 2)] : inside;
  const quarter = quartiles(inside.map((row) => row.value));
  const moved = (row) => (row.value !== null && (earlier.get(row.scope_id) ?? null) !== null ? row.value - earlier.get(row.scope_id) : null);
  const columns = [
    { key: "rank", title: "Rank", number: true, value: (row) => row.rank ?? null, show: (row) => (row.rank ? `${row.rank}${row.shared ? "=" : ""}` : MISSING) },
    { key: "scope_id", title: "Plant", value: (row) => plantName(site, row.scope_id), show: (row) => h("a", { href: link({ page: "plant", id: row.scope_id, ...kept(state) }) }, bdi(plantName(site, row.scope_id))) },
    { key: "value", title: kpi.id, number: true, value: (row) => row.value, show: (row) => (row.value === null ? `${MISSING} ${why(row, site.words)}` : value(row.value, kpi.unit)) },
    { key: "moved", title: "Change", number: true, value: moved, show: (row) => h("span", { class: ["worse", "soft", "better"][better(moved(row), kpi.trend) + 1] }, change(moved(row), kpi.unit)) },
    { key: "band", title: "From, to", number: true, value: (row) => (row.value === null ? null : between(row)[0]), show: (row) => band(row, kpi) },
    { key: "target", title: "Target", number: true, show: (row) => value(row.target, kpi.unit) },
    { key: "coverage", title: "Coverage", value: (row) => row.coverage, show: (row) => [coverage(row), row.left && LEFT[row.left] ? h("span", { class: "soft" }, ` no rank: ${LEFT[row.left]}`) : null] },
  ];
  const ends = extent(shown.flatMap((row) => [row.value, ...between(row), row.target]));
  const option = (c) => ({
    grid: { left: 8, right: 64, top: 8, bottom: 24, containLabel: true },
    // Dots, not bars: an axis that does not begin at zero must not be read by length.
    xAxis: valueAxis(c, (one) => value(one, kpi.unit).replace(".0", ""), { scale: true, min: ends[0], max: ends[1] }),
    yAxis: nameAxis(c, shown.map((row) => plantName(site, row.scope_id)), { inverse: true, axisLabel: { width: 190 } }),
    series: [
      { type: "scatter", symbolSize: 14, data: shown.map((row, place) => ({ value: [row.value, place], itemStyle: { color: row.grade === "C" ? c.panel : c.accent, borderColor: c.accent, borderWidth: 2 } })),
        label: { show: true, position: "right", color: c.ink, formatter: ({ dataIndex }) => value(shown[dataIndex].value, kpi.unit) },
        markArea: quarter ? { silent: true, itemStyle: { color: c["accent-soft"], opacity: 0.55 }, data: [[{ xAxis: quarter[0] }, { xAxis: quarter[2] }]] } : undefined, z: 3 },
      { type: "custom", z: 5, silent: true, data: shown.map((row, place) => [place, ...between(row), row.target ?? NaN]), encode: { x: [1, 2], y: 0 },
        renderItem: (_, api) => marks(api, c) },
    ],
    tooltip: { trigger: "item", formatter: ({ dataIndex }) => { const row = shown[dataIndex]; return row ? `${plantName(site, row.scope_id)}\n${value(row.value, kpi.unit)}, ${share(row.coverage)} covered, grade ${row.grade}` : ""; } },
  });
  const lead = [shown.some((row) => row.target !== null) ? "The orange mark is the target. " : "", quarter ? "The band in the back holds the middle half of the plants. " : "", shown.some((row) => row.shared) ? "Equal ranks (=) mean that the values cannot be told apart. " : "",
    inside.length > MOST ? `The chart shows the ${MOST / 2} best and the ${MOST / 2} worst of ${inside.length}; the table has all. ` : "", bases(found)];
  return h("section", { class: "card" }, h("h2", {}, `Plants by ${kpi.name}`), h("p", { class: "lead" }, lead),
    inside.length ? figure({ label: `${kpi.name} of ${inside.length} plants, best first`, caption: `${kpi.name} by plant, ${period(state.kind, state.start)}`, option, rows: found, columns, open: true,
      height: Math.max(150, 46 + shown.length * 30), onclick: ({ dataIndex }) => go({ page: "plant", id: shown[dataIndex].scope_id, ...kept(state) }) })
      : found.length ? table(columns, found, { caption: `${kpi.name} by plant: none can be ranked` }) : nothing("No plant has figures of this period."));
}

/** Ends of an axis: all values with a little air, at round numbers of their range. */
function extent(values) {
  const told = values.filter((one) => one !== null && one !== undefined);
  const low = Math.min(...told), high = Math.max(...told), range = high - low || Math.abs(high) / 10 || 1;
  const step = 10 ** Math.floor(Math.log10(range)) / 2;
  return [Math.floor((low - range * 0.04) / step) * step, Math.ceil((high + range * 0.04) / step) * step];
}

function band(row, kpi) {
  if (row.value === null) return row.high !== null && row.low !== null ? `${value(row.low, kpi.unit)} to ${value(row.high, kpi.unit)}` : MISSING;
  const [low, high] = between(row);
  return value(low, kpi.unit) === value(high, kpi.unit) ? MISSING : `${value(low, kpi.unit)} to ${value(high, kpi.unit)}`;
}

/** Plants on different bases of ideal rates are not fairly compared: say so. */
function bases(found) {
  const told = [...new Set(found.filter((row) => row.rate_basis).map((row) => basesOf(row).split(", ").map((one) => BASES[one] ?? one).sort().join(" + ")))];
  return told.length > 1 ? h("strong", { class: "warn" }, `Ideal rates have different bases (${told.join("; ")}): compare with care.`) : null;
}

function marks(api, c) {
  const [x0, y] = api.coord([api.value(1), api.value(0)]), [x1] = api.coord([api.value(2), api.value(0)]);
  const children = [];
  if (x1 - x0 > 2) children.push({ type: "line", shape: { x1: x0, x2: x1, y1: y, y2: y }, style: { stroke: c.ink, lineWidth: 2 } });
  if (!Number.isNaN(api.value(3))) {
    const [x] = api.coord([api.value(3), api.value(0)]);
    children.push({ type: "line", shape: { x1: x, x2: x, y1: y - 11, y2: y + 11 }, style: { stroke: c.warn, lineWidth: 3 } });
  }
  return { type: "group", children };
}

/** Every plant's course over the periods, on one scale. */
function courses({ state, site, kpi, plants }) {
  const starts = [...state.starts].reverse();
  const of_plant = new Map();
  for (const row of plants) of_plant.set(row.scope_id, (of_plant.get(row.scope_id) ?? new Map()).set(row.period_start, of(row)));
  const told = [...of_plant].map(([id, course]) => ({ id, values: starts.map((start) => course.get(start) ?? null) })).filter(({ values }) => values.some((one) => one !== null));
  const known = told.flatMap(({ values }) => values).filter((one) => one !== null);
  if (!known.length) return null;
  const [low, high] = [known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))];
  const at = starts.indexOf(state.start);
  const one = ({ id, values }) => h("li", {}, h("a", { href: link({ page: "plant", id, ...kept(state) }) }, h("span", { class: "name" }, bdi(plantName(site, id))),
    h("span", { class: "now" }, value(values[at], kpi.unit)),
    spark(values, { low, high, mark: at, label: `${kpi.name} of ${plantName(site, id)}: ${value(values[at], kpi.unit)} in ${period(state.kind, state.start)}` })));
  told.sort((a, b) => a.id.localeCompare(b.id));
  const list = h("ul", { class: "courses" }, told.slice(0, MOST).map(one));
  const more = told.length > MOST ? h("button", { type: "button", onclick: () => { list.append(...told.slice(MOST).map(one)); more.remove(); } }, `Show all ${told.length} plants`) : null;
  return h("section", { class: "card" }, h("h2", {}, "Over time"),
    h("p", { class: "lead" }, `${period(state.kind, starts[0])} to ${period(state.kind, starts.at(-1))}, all between ${value(low, kpi.unit)} and ${value(high, kpi.unit)}`), list, more);
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

function stale({ site }) {
  const now = site.release?.released_at;
  const told = site.plants.filter((plant) => plant.status !== "OK");
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
