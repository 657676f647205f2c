// How far the data of each plant can be trusted: plants by aspects, the worst first, and below what waits for whom.
// Here: choosing plants and the overview. Elsewhere: the sections below it (pages/trust_sections.js), the marks (publish/site/trust.py).

import { save } from "../lib/csv.js";
import { json, rowsIf } from "../lib/data.js";
import { bdi, card, h, table } from "../lib/dom.js";
import { ago, dayOf, hours, moment, plain, share, value } from "../lib/format.js";
import { link, read } from "../lib/state.js";
import { sections } from "./trust_sections.js";

const FILES = ["health", "ledger", "failed", "rejects", "codes", "drift", "checks", "clock_offset", "release_cause"];
export const MARKS = { OK: ["✓", "good"], WATCH: ["!", "watch"], BAD: ["✕", "bad"], UNKNOWN: ["?", "unknown"] };
const SHOWN = { "": "All plants", WATCH: "Needs a look or more", BAD: "Only bad" };

export async function render(state, site) {
  const trust = await json("trust.json");
  const found = await Promise.all(FILES.map((name) => rowsIf(trust.files.includes(name), `trust/${name}.parquet`)));
  const files = Object.fromEntries(FILES.map((name, place) => [name, found[place]]));
  if (!site.plants.length) return empty();
  const plants = new Map(site.plants.map((plant) => [plant.plant_id, plant]));
  const all = { site, trust, files, plants, health: files.health.map((row) => ({ ...plants.get(row.plant_id), ...row })) };
  const choice = { plant: state.plant ?? null, find: state.find ?? "", only: state.only ?? "" };
  const below = h("div", { class: "trust" });
  const draw = () => below.replaceChildren(...shown(all, choice));
  draw();
  if (state.at) requestAnimationFrame(() => document.getElementById(`trust-${state.at}`)?.scrollIntoView());
  return [filters(all, choice, draw), below];
}

function empty() {
  return card("There is no plant yet", null, h("ol", {},
    h("li", {}, "Put exports of a plant into ", h("code", {}, "landing/<plant>/"), " of the portfolio."),
    h("li", {}, h("code", {}, "plantlake plant new <plant> --from <file>"), " drafts its plant file; ", h("code", {}, "plantlake plant try <plant>"), " says what would be read."),
    h("li", {}, h("code", {}, "plantlake refresh"), " loads it; this page then tells what was read, turned away and still waits for a name.")));
}

/** The choice of plants. What is typed goes into the address without a step of its own in the history. */
function filters(all, choice, draw) {
  let waits;
  const change = (part) => {
    Object.assign(choice, part);
    history.replaceState(null, "", link({ ...read(), page: "trust", at: null, ...choice }));
    draw();
  };
  const typed = (event) => { clearTimeout(waits); waits = setTimeout(() => change({ find: event.target.value }), 200); };
  const plant = choice.plant ? all.plants.get(choice.plant) : null;
  return h("div", { class: "filters own", role: "search", "aria-label": "Plants" },
    choice.plant ? h("span", { class: "chosen" }, "Only ", bdi(plant?.plant_name || choice.plant), " ", h("a", { href: link({ page: "trust" }) }, "show all plants")) : null,
    choice.plant ? null : h("label", { class: "pick" }, h("span", {}, "Find"), h("input", { type: "search", name: "find", value: choice.find, placeholder: "plant, company or owner", oninput: typed })),
    choice.plant ? null : h("label", { class: "pick" }, h("span", {}, "Show"), h("select", { name: "only", onchange: (event) => change({ only: event.target.value }) },
      Object.entries(SHOWN).map(([key, text]) => h("option", { value: key, selected: key === choice.only }, text)))));
}

/** Whether a plant is among those that are looked at. */
function chosen(row, { plant, find, only }) {
  if (plant) return row.plant_id === plant;
  if (only && row.trouble < (only === "BAD" ? 100 : 1)) return false;
  const text = [row.plant_id, row.plant_name, row.company, row.owner].join(" ").toLocaleLowerCase();
  return find.toLocaleLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function shown(all, choice) {
  const health = all.health.filter((row) => chosen(row, choice));
  if (!health.length) return [card("No plant fits", "Take away a word, or show all plants.", h("p", {}, h("a", { href: link({ page: "trust" }) }, "Show all plants")))];
  const ids = new Set(health.map((row) => row.plant_id));
  const files = Object.fromEntries(FILES.map((name) => [name, all.files[name].filter((row) => ids.has(row.plant_id))]));
  const some = { ...all, files, health, one: choice.plant };
  return [overview(some), ...sections(some)];
}

function overview({ trust, health, site, one }) {
  const bad = health.filter((row) => row.trouble >= 100).length, watched = health.filter((row) => row.trouble > 0 && row.trouble < 100).length;
  const columns = [
    { key: "plant_name", title: "Plant", show: (row) => plantLink(row), value: (row) => row.plant_name ?? row.plant_id },
    { key: "owner", title: "Owner", show: (row) => bdi(row.owner ?? "–") },
    ...trust.aspects.map(({ aspect, name }) => ({
      key: aspect, title: name, show: (row) => cell(row, aspect), value: (row) => `${MARKS[row[aspect]][1]}: ${told(row, aspect)}`,
    })),
  ];
  const told_ = table(columns, health, { caption: one ? "Health of the plant" : "Health of plants, the worst first", most: 400 });
  const node = card("Health",
    `${plain(health.length)} ${health.length === 1 ? "plant" : "plants"}: ${plain(bad)} with something bad, ${plain(watched)} to watch, ${plain(health.length - bad - watched)} sound. Each cell leads to its details.`,
    told_, h("p", { class: "note" }, h("button", { type: "button", class: "small", onclick: () => save(told_.csv) }, "CSV"), " ",
      site.release ? `As of release ${site.release.release_id}, ${moment(site.release.released_at)}.` : ""),
    h("details", { class: "told" }, h("summary", {}, "What the marks mean"), h("dl", { class: "facts" }, trust.aspects.map(({ name, asks }) => [h("dt", {}, name), h("dd", {}, asks)]))));
  node.classList.add("health");
  return node;
}

const plantLink = (row) => h("a", { href: link({ page: "trust", plant: row.plant_id }) }, bdi(row.plant_name || row.plant_id));

function cell(row, aspect) {
  const [sign, word] = MARKS[row[aspect]];
  return h("a", { class: `mark ${word}`, href: link({ page: "trust", plant: row.plant_id, at: aspect }) },
    h("span", { class: "sign", "aria-hidden": "true" }, sign), h("span", {}, h("span", { class: "hidden" }, `${word}: `), told(row, aspect)));
}

const many = (count, word) => `${plain(count)} ${word}${count === 1 ? "" : "s"}`;

/** What a mark rests on, in words. */
function told(row, aspect) {
  if (aspect === "fresh") {
    if (row.status === "STALE") return row.stale_since ? `stale since ${dayOf(row.stale_since)}` : "stale";
    if (!row.data_to) return "no data";
    return row.behind_s >= 86400 * 2 ? `${ago(0, row.behind_s * 1000)} behind` : `to ${dayOf(row.data_to)}`;
  }
  if (aspect === "complete") {
    if (row.failed_exports) return many(row.failed_exports, "failed export");
    if (row.unaccounted) return `${many(row.unaccounted, "record")} unaccounted for`;
    if (row.status === "NO_DATA") return "nothing arrived";
    return row.planned_s ? `${share(row.known_s / row.planned_s)} of time known` : "all loaded";
  }
  if (aspect === "rejects") return row.read_rows ? `${value(row.waiting_rows / row.read_rows, "ratio")} wait` : "nothing read";
  if (aspect === "mapped") return row.stop_s ? `${value(row.named_s / row.stop_s, "ratio")} of ${hours(row.stop_s)} named` : "no stop log";
  if (aspect === "drift") return row.status === "NO_DATA" ? "nothing arrived" : row.open_findings ? `${plain(row.open_findings)} open` : "none open";
  if (!row.judged && !row.blocking) return "not judged";
  return row.blocking ? many(row.blocking, "blocking failure") : row.warnings ? many(row.warnings, "warning") : `${many(row.judged, "check")} pass`;
}
