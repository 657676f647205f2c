// The sections of the Trust page: each a card with what it found, as a table with its CSV, and the command that goes on from there.
// Here: their columns and charts. Elsewhere: which plants are looked at (pages/trust.js), what is counted (publish/site/trust.py).

import { figure, nameAxis, valueAxis } from "../lib/charts.js";
import { save } from "../lib/csv.js";
import { bdi, card, h, nothing, table } from "../lib/dom.js";
import { ago, change, dayOf, hours, MISSING, moment, period, plain, spelled } from "../lib/format.js";
import { link } from "../lib/state.js";

const MOST = 25;
/** Bars of a chart; the table has all. */
const SHOWN = 200;
/** Rows of a table on the page; the CSV has all. */
const HOUR = 3600000;
const folder = document.body.dataset.folder;
const STATES = {
  OPEN: "open", NOTED: "noted", ACCEPTED: "accepted", MENDED: "mended in the plant file", RETURNED: "as before again",
  unmapped: "no line in the map", suggested: "suggested, not approved", approved: "approved, counts from the next refresh", uncoded: "the plant sends no code",
};

/** All sections for the plants that are looked at. */
export const sections = (all) => [fresh, complete, failed, rejects, mapped, drift, checks, assumptions, clocks, releases].map((make) => make(all)).filter(Boolean);

const code = (...text) => h("code", {}, ...text);
const text = (key, title) => ({ key, title, show: (row) => bdi(row[key] ?? MISSING) });
/** Sentences keep a line that can be read, also on a phone. */
const wide = (said) => h("span", { class: "wide" }, bdi(said ?? MISSING));
const number = (key, title) => ({ key, title, number: true, show: (row) => plain(row[key]) });
const when = (key, title) => ({ key, title, show: (row) => h("span", { class: "when" }, moment(row[key])) });
const since = (key, title) => ({ key, title, show: (row) => h("span", { class: "when" }, dayOf(row[key])) });
const sum = (rows, key) => rows.reduce((total, row) => total + (row[key] ?? 0), 0);

/** The plant of a row; no column where one plant is looked at. */
const plant = ({ plants, one }) => (one ? [] : [{
  key: "plant_id", title: "Plant", value: (row) => row.plant_id,
  show: (row) => h("a", { href: link({ page: "trust", plant: row.plant_id }) }, bdi(plants.get(row.plant_id)?.plant_name || row.plant_id)),
}]);

/** Commands name the plant that is looked at, or leave its place open. */
const which = ({ one }) => one ?? "<plant>";

function section(id, title, lead, ...children) {
  const node = card(title, lead, ...children);
  node.id = `trust-${id}`;
  return node;
}

function listed(columns, rows, caption) {
  const node = table(columns, rows, { caption, most: SHOWN });
  return [node, h("p", { class: "note" }, h("button", { type: "button", class: "small", onclick: () => save(node.csv) }, "CSV"))];
}

function fresh(all) {
  const rows = [...all.health].sort((a, b) => (b.behind_s ?? Infinity) - (a.behind_s ?? Infinity) || a.plant_id.localeCompare(b.plant_id));
  const dated = rows.filter((row) => row.data_to).slice(0, MOST);
  const name = (row) => row.plant_name || row.plant_id;
  const columns = [
    { key: "plant_name", title: "Plant", show: (row) => bdi(name(row)), value: name }, text("company", "Company"), text("owner", "Owner"),
    { key: "status", title: "Status", show: (row) => spelled(row.status) }, when("data_to", "Data to"),
    { key: "behind_s", title: "Behind the newest", show: (row) => (row.behind_s === null ? MISSING : ago(0, row.behind_s * 1000)), number: true },
    when("refreshed_at", "Last loaded"), number("exports", "Exports"), number("failed_exports", "Failed"),
    since("stale_since", "Stale since"), { key: "stale_reason", title: "Why", show: (row) => wide(row.stale_reason) },
  ];
  const times = dated.map((row) => Date.parse(row.data_to)), span = Math.max(...times) - Math.min(...times);
  return section("fresh", "Fresh: how far the data goes",
    `The end of each plant's data${dated.length < rows.length ? `; the ${dated.length} that are furthest behind` : ""}. A stale plant keeps its last good numbers until its cause is mended.`,
    dated.length ? figure({
      label: "Where the data of each plant ends", height: Math.max(110, 46 + 22 * dated.length), columns, rows,
      option: (c) => ({
        grid: { left: 8, right: 24, top: 8, bottom: 8, containLabel: true },
        xAxis: { type: "time", min: Math.min(...times) - Math.max(HOUR, span / 20), max: Math.max(...times) + Math.max(HOUR, span / 20), splitNumber: 4, splitLine: { show: true, lineStyle: { color: c.line } },
          axisLabel: { color: c.soft, hideOverlap: true, fontSize: 12, lineHeight: 15, formatter: (at) => (span < 96 * HOUR ? moment(at).replace(/, (?=\d\d:)/, "\n") : dayOf(at)) } },
        yAxis: nameAxis(c, dated.map(name), { inverse: true }),
        series: [{
          type: "scatter", symbolSize: 11, data: dated.map((row) => ({ value: [row.data_to, name(row)], symbol: row.fresh === "OK" ? "circle" : row.fresh === "WATCH" ? "triangle" : "diamond",
            itemStyle: { color: row.fresh === "OK" ? c.good : row.fresh === "WATCH" ? c.warn : c.bad } })),
        }],
        tooltip: { formatter: ({ value: [at, who] }) => `${who}: data to ${moment(at)}` },
      }),
    }) : h("div", {}, nothing("No plant has delivered data yet. "), listed(columns, rows, "Plants")));
}

function complete(all) {
  const rows = all.files.ledger, off = sum(rows.map((row) => ({ off: Math.abs(row.unaccounted) })), "off");
  const read = sum(rows, "records_read");
  return section("complete", "Complete: every record is accounted for",
    "Records read = accepted + rejected + duplicate + filtered, by source and table. Rows written are counted apart: one record can make several rows.",
    rows.length ? [
      h("p", {}, off ? h("strong", { class: "worse" }, `✕ ${plain(off)} of ${plain(read)} records are unaccounted for. `) : h("strong", { class: "better" }, `✓ All ${plain(read)} records are accounted for. `),
        `${plain(sum(rows, "accepted"))} accepted, ${plain(sum(rows, "rejected"))} rejected, ${plain(sum(rows, "duplicate"))} delivered before, ${plain(sum(rows, "filtered"))} left out by a filter.`),
      listed([...plant(all), text("source_system", "Source"), text("table_name", "Table"), number("exports", "Exports"), number("records_read", "Read"), number("accepted", "Accepted"),
        number("rejected", "Rejected"), number("duplicate", "Duplicate"), number("filtered", "Filtered"), number("unaccounted", "Unaccounted"), number("rows_written", "Rows written"),
        when("data_to", "Data to")], [...rows].sort((a, b) => Math.abs(b.unaccounted) - Math.abs(a.unaccounted)), "What became of the records of each source"),
    ] : nothing("Nothing was read yet."));
}

function failed(all) {
  const rows = all.files.failed;
  if (!rows.length) return null;
  return section("failed", `${plain(rows.length)} ${rows.length === 1 ? "export" : "exports"} could not be loaded`,
    "The newest version of each export counts. Mend the plant file or ask for the export again, then refresh.",
    listed([...plant(all), text("source_system", "Source"), text("name", "Export"), text("table_name", "Table"),
      { key: "error", title: "Why", show: (row) => h("pre", {}, row.error ?? MISSING) }, when("first_seen_at", "Seen")], rows, "Exports that failed"));
}

function rejects(all) {
  const rows = all.files.rejects;
  const rules = [...Map.groupBy(rows, (row) => row.rule)].map(([rule, of]) => ({ rule, rows: sum(of, "rows"), plants: new Set(of.map((row) => row.plant_id)).size }))
    .sort((a, b) => b.rows - a.rows);
  const shown = rules.slice(0, MOST);
  const columns = [...plant(all), text("source_system", "Source"), text("table_name", "Table"), { key: "rule", title: "Rule", show: (row) => spelled(row.rule) }, number("rows", "Records"),
    { key: "example_detail", title: "For example", show: (row) => wide(row.example_detail) }, { key: "example_export", title: "In", show: (row) => wide(row.example_export) },
    { key: "example_row", title: "Record", number: true, show: (row) => (row.example_row === null ? MISSING : String(row.example_row)) },
    number("exports", "Exports"), since("first_seen", "First"), since("last_seen", "Last")];
  return section("rejects", "Rejects: records that were turned away", h("span", {}, "They wait in quarantine and are in no KPI. All of them: ", code(`plantlake quarantine list --plant ${which(all)}`),
    "; when the cause is mended: ", code("plantlake quarantine replay"), "."),
    rows.length ? [
      figure({
        label: "Records in quarantine by rule", height: 46 + 26 * shown.length, columns: [{ key: "rule", title: "Rule", show: (row) => spelled(row.rule) }, number("rows", "Records"), number("plants", "Plants")], rows: rules,
        option: (c) => ({
          grid: { left: 8, right: 48, top: 8, bottom: 8, containLabel: true }, xAxis: valueAxis(c, plain, { minInterval: 1 }), yAxis: nameAxis(c, shown.map((row) => spelled(row.rule)), { inverse: true, axisLabel: { width: 190 } }),
          series: [{ type: "bar", data: shown.map((row) => row.rows), barMaxWidth: 16, itemStyle: { color: c.accent }, label: { show: true, position: "right", color: c.ink, formatter: ({ value }) => plain(value) } }],
        }),
      }),
      listed(columns, rows, "Records in quarantine"),
    ] : nothing("Nothing is in quarantine."));
}

function mapped(all) {
  const rows = all.files.codes;
  return section("mapped", "Reasons: stop time that waits for a name", h("span", {}, "Codes count only with an approved line in the reason map. Suggestions: ", code(`plantlake reasons suggest --plant ${which(all)}`),
    "; then ", code(`plantlake reasons approve ${which(all)} <code>`), ", also for the past."),
    rows.length ? listed([...plant(all), text("source_system", "Source"), { key: "code", title: "Code", show: (row) => (row.code === null ? "none" : bdi(row.code)) },
      { key: "seconds", title: "Stop time", number: true, show: (row) => hours(row.seconds) }, number("stops", "Stops"),
      { key: "state", title: "State", show: (row) => STATES[row.state] ?? row.state }, text("reason_code", "Suggested")], rows, "Stop time without an approved reason, longest first")
      : nothing(all.health.some((row) => row.stop_s) ? "Every stop has an approved reason." : "No stops are delivered."));
}

function drift(all) {
  const rows = all.files.drift, open = rows.filter((row) => row.state === "OPEN"), rest = rows.filter((row) => row.state !== "OPEN");
  const columns = [{ key: "finding_id", title: "Id", number: true, show: (row) => String(row.finding_id) }, ...plant(all), text("source_system", "Source"), text("export", "Export"), { key: "message", title: "What changed", show: (row) => wide(row.message) },
    text("before", "Before"), text("now", "Now"), { key: "is_loaded", title: "Loaded", show: (row) => (row.is_loaded ? "yes" : "✕ kept out") },
    { key: "edit", title: "Edit it asks for", show: (row) => (row.edit ? [h("p", {}, bdi(row.edit_path ?? "")), h("pre", {}, row.edit)] : bdi(row.advice ?? MISSING)) },
    { key: "state", title: "State", show: (row) => [STATES[row.state] ?? row.state, row.closed_by ? [" by ", bdi(row.closed_by)] : "", row.note ? [": ", bdi(row.note)] : ""].flat() }, since("found_at", "Found")];
  return section("drift", "Drift: exports that do not look as before", h("span", {}, "Mend the plant file, ask the plant, or say that it is meant: ", code("plantlake drift accept <id>"), "."),
    open.length ? listed(columns, open, "Open changes") : nothing("No change waits for anybody."),
    rest.length ? h("details", { class: "told" }, h("summary", {}, `${plain(rest.length)} noted, accepted or settled`), listed(columns, rest, "Changes that wait for nobody")) : null);
}

const limit = (row) => (row.limit_low !== null && row.limit_high !== null ? `${plain(row.limit_low)} to ${plain(row.limit_high)}` : row.limit_low !== null ? `≥ ${plain(row.limit_low)}` : row.limit_high !== null ? `≤ ${plain(row.limit_high)}` : MISSING);

function checks(all) {
  const rows = all.files.checks;
  return section("checks", "Checks: numbers that make no sense", h("span", {}, "What fails in the newest run of each table. Blocking: the plant keeps its last good numbers; a warning: its KPIs are weaker. ",
    all.trust.quality ? h("a", { href: `${folder}/${all.trust.quality}` }, "Data Docs: every check of the newest refresh") : "No quality page is written yet."),
    rows.length ? listed([...plant(all), text("table_name", "Table"), { key: "check_name", title: "Check", show: (row) => spelled(row.check_name) },
      { key: "severity", title: "Severity", show: (row) => h("span", { class: `badge ${row.severity === "blocking" ? "bad" : "warn"}` }, row.severity) },
      { key: "observed", title: "Observed", number: true, show: (row) => plain(row.observed) }, { key: "limit", title: "Allowed", number: true, show: limit, value: limit },
      number("rows", "Rows"), { key: "reason", title: "Why it matters", show: (row) => wide(row.reason) }, since("checked_at", "Judged")], rows, "Checks that fail")
      : nothing(all.health.some((row) => row.judged) ? "Every check that could be judged passes." : "Nothing was judged yet."));
}

function assumptions(all) {
  const rows = all.health.filter((row) => row.assumptions);
  return section("assumptions", "Assumptions: what plant files take for granted", "KPIs that rest on them are marked as estimated.",
    rows.length ? listed([...plant(all), text("owner", "Owner"), { key: "assumptions", title: "Assumed", show: (row) => wide(row.assumptions) }], rows, "Assumptions of plant files") : nothing("No plant file assumes anything."));
}

function clocks(all) {
  const rows = all.files.clock_offset;
  if (!rows.length) return null;
  return section("clocks", "Clocks that are off", "Seconds by which a source's clock differs from the one it is held against. Steady offsets are corrected; the clock is to be set all the same.",
    listed([...plant(all), text("source_system", "Source"), { key: "offset_s", title: "Last offset", number: true, show: (row) => change(row.offset_s, "s") },
      { key: "last_day", title: "Day", show: (row) => period("DAY", row.last_day) }, { key: "largest_s", title: "Largest", number: true, show: (row) => `${plain(row.largest_s)} s` },
      number("days", "Days"), number("applied", "Corrected on"), number("pairs", "Stops compared")], rows, "Clock offsets of a minute or more"));
}

function releases(all) {
  const { trust: { releases: told }, files, one } = all;
  if (!told.length) return section("releases", "Releases: what was published, and why", null, nothing("Nothing is published yet."));
  const days = (row) => (row.first_day ? (row.first_day === row.last_day ? period("DAY", row.first_day) : `${period("DAY", row.first_day)} to ${period("DAY", row.last_day)}`) : "all days");
  const why = (row) => row.causes.map(({ cause, plants }) => `${cause} (${plain(plants)} ${plants === 1 ? "plant" : "plants"})`).join(", ") || "nothing changed";
  const columns = [{ key: "release_id", title: "Release", number: true, show: (row) => String(row.release_id) }, when("released_at", "Published"), { key: "kind", title: "Kind", show: (row) => spelled(row.kind) },
    { key: "why", title: "Because of", show: (row) => wide(why(row)), value: why }, number("unit_days", "Days of units made anew"), number("parts_changed", "Shifts new or restated"),
    number("parts_closed", "Shifts withdrawn"), text("note", "Note")];
  const of = [{ key: "release_id", title: "Release", number: true, show: (row) => String(row.release_id) }, ...plant(all), text("cause", "Cause"), { key: "first_day", title: "Days", show: days, value: days }, text("example_export", "First export")];
  return section("releases", "Releases: what was published, and why", h("span", {}, "Which values changed: ", code("plantlake restated --since <release>"), "."), listed(columns, told, "The newest releases"),
    files.release_cause.length ? h("details", { class: "told", open: Boolean(one) }, h("summary", {}, "Causes by plant"), listed(of, files.release_cause, "Causes of releases by plant")) : null);
}
