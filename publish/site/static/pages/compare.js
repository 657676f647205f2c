// Plants side by side: KPIs with coverage, the gap of OEE loss by loss, where scope and rate basis differ.

import { figure, nameAxis, valueAxis } from "../lib/charts.js";
import { rows } from "../lib/data.js";
import { bdi, card, h, nothing, table } from "../lib/dom.js";
import { change, MISSING, period, share, value } from "../lib/format.js";
import { basesOf, basisOf, coverage, of, plantName, why } from "../lib/kpi.js";
import { go, link, read } from "../lib/state.js";

const SHOWN = ["OEE", "A", "E", "Q", "OOE", "TEEP", "SCRAP", "FPY", "MTBF", "MTTR", "SCHED_ATT", "ENERGY_INT", "CODED", "COVERAGE"];
const MOST = 6;

export async function render(state, site) {
  if (!state.start) return card("Nothing to compare yet", null, nothing("No plant has delivered data of a production day."));
  const known = site.plants.map((plant) => plant.plant_id);
  const chosen = chosenPlants(state, known);
  const kpis = site.kpis.filter(({ id }) => SHOWN.includes(id) || id.startsWith("LOSS_"));
  const files = await Promise.all(kpis.map(({ id }) => rows(`kpi/${state.profile}/${state.kind}/${id}.parquet`).catch(() => [])));
  const values = new Map(kpis.map(({ id }, place) => [id, new Map(files[place].filter((row) => row.period_start === state.start).map((row) => [row.scope_id, row]))]));
  const all = { state, site, chosen, kpis, values };
  if (chosen.length < 2) return [picker(all), card("Choose two plants", null, nothing("The portfolio has fewer than two plants with figures."))];
  return [picker(all), fairness(all), gap(all), sideBySide(all)];
}

/** The plants of the address; else the first two. */
function chosenPlants(state, known) {
  const said = (state.plants ?? "").split(",").map((id) => decodeURIComponent(id)).filter((id) => known.includes(id));
  const chosen = [...new Set(said)].slice(0, MOST);
  return chosen.length >= 2 ? chosen : [...new Set([...chosen, ...known])].slice(0, 2);
}

const set = (chosen) => go({ ...read(), page: "compare", plants: chosen.map((id) => encodeURIComponent(id)).join(",") });

function picker({ site, chosen }) {
  const pick = (id, place) => h("label", { class: "pick" }, h("span", {}, place ? `Plant ${place + 1}` : "Reference"),
    h("select", { name: `plant-${place}`, onchange: (event) => set(chosen.map((one, at) => (at === place ? event.target.value : one))) },
      site.plants.map((plant) => h("option", { value: plant.plant_id, selected: plant.plant_id === id, disabled: chosen.includes(plant.plant_id) && plant.plant_id !== id }, plant.plant_name || plant.plant_id))),
    chosen.length > 2 ? h("button", { type: "button", class: "small", "aria-label": `Leave out ${plantName(site, id)}`, onclick: () => set(chosen.filter((one) => one !== id)) }, "×") : null);
  const next = site.plants.find((plant) => !chosen.includes(plant.plant_id));
  return h("div", { class: "filters own", role: "group", "aria-label": "Plants that are compared" }, chosen.map(pick),
    next && chosen.length < MOST ? h("button", { type: "button", onclick: () => set([...chosen, next.plant_id]) }, "Add a plant") : null);
}

/** What makes the comparison unfair, in words; nothing is ranked here. */
function fairness({ site, chosen, values }) {
  const said = [];
  const oee = chosen.map((id) => values.get("OEE")?.get(id));
  const bases = new Map(chosen.map((id, place) => [id, oee[place]]).filter(([, row]) => row?.rate_basis));
  if (new Set([...bases.values()].map(basesOf)).size > 1)
    said.push(["Ideal rates have different bases: ", [...bases].flatMap(([id, row], place) => [place ? "; " : "", bdi(plantName(site, id)), ` ${basisOf(row)}`]), ". A plant on ERP standards is measured against slower rates than one on its best."]);
  for (const [place, id] of chosen.entries()) {
    const row = oee[place], plant = site.plants.find((one) => one.plant_id === id);
    const name = bdi(plantName(site, id));
    if (of(row) === null) said.push([name, ` has no OEE: ${why(row, site.words)}.`]);
    else if (row.coverage < 0.9) said.push([name, ` is covered to ${share(row.coverage)} only.`]);
    if (row && row.units_in < row.units_of) said.push([name, `: ${row.units_in} of its ${row.units_of} units take part.`]);
    const weak = SHOWN.filter((kpi) => values.get(kpi)?.get(id)?.grade === "D" && of(values.get(kpi).get(id)) !== null), coded = of(values.get("CODED")?.get(id));
    if (weak.length) said.push([name, `: ${weak.join(", ")} of grade D, not to be compared`, coded !== null && coded < 0.5 ? `: ${share(coded)} of its stop time has an approved reason` : "", "."]);
    if (row?.status === "ESTIMATED") said.push([name, " rests on an assumption", plant?.assumptions ? [": ", bdi(plant.assumptions.split("\n").join("; "))] : "", "."]);
    if (plant?.status === "STALE") said.push([name, " is stale: ", bdi(plant.stale_reason), "."]);
  }
  if (!said.length) return null;
  return h("section", { class: "card notice" }, h("h2", {}, "Before you compare"), h("ul", {}, said.map((line) => h("li", {}, line))));
}

/** From the reference's OEE to another plant's, loss by loss: the steps sum to the gap. */
function gap({ state, site, chosen, kpis, values }) {
  const [reference, ...others] = chosen;
  const at = (id, kpi) => of(values.get(kpi)?.get(id));
  const cards = others.map((other) => {
    const [from, to] = [at(reference, "OEE"), at(other, "OEE")];
    if (from === null || to === null) return card(`Why ${plantName(site, other)} differs`, null, nothing("The gap needs the OEE of both plants."));
    const losses = kpis.filter(({ id }) => id.startsWith("LOSS_")).map(({ id, name }) => ({ name, was: at(reference, id), is: at(other, id) }));
    const steps = losses.filter(({ was, is }) => was !== null && is !== null).map(({ name, was, is }) => ({ name, points: was - is }));
    const rest = to - from - steps.reduce((total, { points }) => total + points, 0);
    if (Math.abs(rest) > 1e-6) steps.push({ name: "Cannot be split", points: rest });
    const blind = [reference, other].filter((id) => at(id, "A") === null).map((id) => plantName(site, id));
    return waterfall({ state, site, reference, other, from, to, steps, blind });
  });
  return h("div", { class: "pair" }, cards);
}

function waterfall({ state, site, reference, other, from, to, steps, blind }) {
  const names = [plantName(site, reference), ...steps.map((one) => one.name), plantName(site, other)];
  let at = from;
  const bars = [{ low: 0, high: from, kind: "whole" }];
  for (const { points } of steps) { bars.push({ low: Math.min(at, at + points), high: Math.max(at, at + points), kind: points < 0 ? "loss" : "gain" }); at += points; }
  bars.push({ low: 0, high: to, kind: "whole" });
  const floor = Math.max(0, Math.min(...bars.map((bar) => (bar.kind === "whole" ? bar.high : bar.low))) - 0.05);
  const texts = [value(from, "ratio"), ...steps.map((one) => change(one.points, "ratio")), value(to, "ratio")];
  const option = (c) => ({
    grid: { left: 8, right: 70, top: 8, bottom: 24, containLabel: true },
    xAxis: valueAxis(c, (one) => value(one, "ratio").replace(".0", ""), { min: Math.floor(floor * 20) / 20 }), yAxis: nameAxis(c, names, { inverse: true, axisLabel: { width: 200 } }),
    series: [
      { type: "bar", stack: "a", silent: true, itemStyle: { color: "transparent" }, data: bars.map((bar) => bar.low) },
      { type: "bar", stack: "a", barMaxWidth: 20, data: bars.map((bar) => ({ value: bar.high - bar.low, itemStyle: { color: { whole: c.accent, loss: c.bad, gain: c.good }[bar.kind] } })),
        label: { show: true, position: "right", color: c.ink, formatter: ({ dataIndex }) => texts[dataIndex] } },
    ],
  });
  const columns = [{ key: "name", title: "Step", show: (row) => bdi(row.name) }, { key: "points", title: "Points of OEE", number: true, value: (row) => row.points * 100, show: (row) => row.text }];
  const listed = names.map((name, place) => ({ name, text: texts[place], points: place === 0 ? from : place === names.length - 1 ? to : steps[place - 1].points }));
  return h("section", { class: "card" }, h("h2", {}, "Why ", bdi(plantName(site, other)), " differs from ", bdi(plantName(site, reference))),
    blind.length ? h("p", { class: "warn" }, bdi(blind.join(", ")), " delivers no machine states: what it loses by stops and speed is known in sum only.") : null,
    h("p", { class: "lead" }, `${change(to - from, "ratio")} of OEE, ${period(state.kind, state.start)}; the steps sum to it. Green: less is lost here than at the reference.${floor > 0 ? ` The axis begins at ${value(Math.floor(floor * 20) / 20, "ratio")}.` : ""}`),
    figure({ label: `Steps from ${value(from, "ratio")} to ${value(to, "ratio")}`, caption: `OEE of ${plantName(site, reference)} to ${plantName(site, other)}`, option, rows: listed, columns, height: 40 + names.length * 28 }));
}

function sideBySide({ state, site, chosen, kpis, values }) {
  const listed = kpis.filter(({ id }) => !id.startsWith("LOSS_"));
  const cell = (kpi, id) => {
    const row = values.get(kpi.id)?.get(id), now = of(row);
    return [h("strong", {}, now === null ? MISSING : value(now, kpi.unit)), h("br"), now === null ? h("span", { class: "soft" }, why(row, site.words)) : coverage(row)];
  };
  const columns = [
    { key: "name", title: "KPI", show: (kpi) => h("a", { href: `#/handbook/${kpi.id}` }, kpi.name) },
    ...chosen.map((id) => ({ key: id, title: plantName(site, id), value: (kpi) => of(values.get(kpi.id)?.get(id)), show: (kpi) => cell(kpi, id) })),
    { key: "caution", title: "Not comparable when", value: (kpi) => kpi.not_comparable_when, show: (kpi) => h("span", { class: "soft" }, kpi.not_comparable_when ?? "") },
  ];
  return h("section", { class: "card" }, h("h2", {}, "Side by side"), h("p", { class: "lead" }, chosen.map((id, place) => [place ? ", " : "", h("a", { href: link({ page: "plant", id, period: `${state.kind}:${state.start}` }) }, bdi(plantName(site, id)))])),
    table(columns, listed, { caption: `KPIs of ${period(state.kind, state.start)}` }));
}
