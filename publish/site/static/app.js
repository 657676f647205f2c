// The frame of every page: header with filters, the page of the address, footer with the release.
// Here: routing, filters, theme, keys. Elsewhere: each page (pages/*.js), the figures (lib/data.js).

import * as charts from "./lib/charts.js";
import { save } from "./lib/csv.js";
import { json } from "./lib/data.js";
import { isOver, moment, period, PROFILES } from "./lib/format.js";
import { bdi, h } from "./lib/dom.js";
import { go, kept, link, read } from "./lib/state.js";

const PAGES = {
  portfolio: "Portfolio", compare: "Compare", plant: "Plants", trust: "Trust", handbook: "Handbook",
};
const KINDS = { MONTH: "Month", QUARTER: "Quarter", WEEK: "Week" };
const main = document.getElementById("main");

theme(localStorage.getItem("theme"));
const site = await json("portfolio.json").catch(broken);
if (site) {
  addEventListener("hashchange", show);
  document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); }); // its address would be a state
  addEventListener("beforeprint", () => charts.drawAll());
  await show();
}

/** What a state asks for, with what is not said taken from the newest release. */
function asked() {
  const said = read();
  const [kind, start] = (said.period ?? "").split(":");
  const type = site.periods[kind]?.length ? kind : Object.keys(site.periods)[0] ?? "MONTH";
  const starts = site.periods[type] ?? [];
  return {
    ...said, page: PAGES[said.page] ? said.page : "portfolio", kind: type, starts,
    start: starts.includes(start) ? start : starts[0] ?? null, profile: site.profiles.includes(said.profile) ? said.profile : "ISO",
  };
}

async function show() {
  const state = asked(), mine = (show.turn = (show.turn ?? 0) + 1);
  const chosen = document.activeElement?.name;
  charts.dispose();
  main.setAttribute("aria-busy", "true");
  document.title = `${PAGES[state.page]} – ${site.name}`;
  header(state);
  try {
    const page = await import(`./pages/${state.page}.js`);
    const drawn = await page.render(state, site);
    if (mine !== show.turn) return; // somebody went on to another page meanwhile
    main.replaceChildren(...[drawn].flat(Infinity).filter(Boolean));
  } catch (error) {
    console.error(error);
    main.replaceChildren(h("section", { class: "card notice", role: "alert" }, h("h2", {}, "This page could not be drawn"),
      h("p", {}, String(error.message ?? error)), h("p", {}, "Reload the page; if it stays, tell who runs plantlake. ", h("a", { href: "#/portfolio" }, "Back to the portfolio"))));
  }
  main.setAttribute("aria-busy", "false");
  performance.mark("drawn", { detail: location.hash });
  footer();
  if (show.before && show.before !== state.page + state.id) { main.focus({ preventScroll: true }); scrollTo(0, 0); }
  else if (chosen) document.getElementsByName(chosen)[0]?.focus({ preventScroll: true }); // the filter is another element now
  show.before = state.page + state.id;
}

function header(state) {
  const set = (change) => go({ ...read(), page: state.page, ...change });
  const pick = (label, name, options, value, onchange) => h("label", { class: "pick" }, h("span", {}, label),
    h("select", { name, onchange: (event) => onchange(event.target.value) }, options.map(([key, text]) => h("option", { value: key, selected: key === value }, text))));
  document.getElementById("top").replaceChildren(
    h("div", { class: "brand" }, h("h1", {}, bdi(site.name)), h("p", { class: "asof" }, site.release ? `Data to ${moment(site.release.watermark)}` : "Nothing is published yet")),
    h("nav", { "aria-label": "Pages" }, Object.entries(PAGES).map(([page, name]) =>
      h("a", { href: link({ page, ...kept(state) }), "aria-current": page === state.page ? "page" : null }, name))),
    state.start && state.page !== "handbook" && state.page !== "trust" ? h("div", { class: "filters", role: "group", "aria-label": "Filters" },
      pick("Every", "kind", Object.keys(site.periods).map((kind) => [kind, KINDS[kind]]), state.kind, (kind) => set({ period: `${kind}:${site.periods[kind][0]}` })),
      pick("Period", "period", state.starts.map((start) => [start, period(state.kind, start) + (isOver(state.kind, start, site.release?.watermark) ? "" : " so far")]), state.start, (start) => set({ period: `${state.kind}:${start}` })),
      pick("Definition", "profile", site.profiles.map((profile) => [profile, PROFILES[profile]]), state.profile, (profile) => set({ profile }))) : "",
    h("div", { class: "tools" },
      h("button", { type: "button", onclick: everything, title: "All tables of this page as one CSV" }, "CSV"),
      h("button", { type: "button", onclick: () => { charts.drawAll(); print(); } }, "PDF"),
      h("button", { type: "button", onclick: () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark", true), "aria-label": "Dark or light" }, "◐")));
}

/** Every table of the page in one file, each under its name. */
function everything() {
  const found = [...main.querySelectorAll("*")].map((node) => node.tagName === "DIV" && node.csv).filter(Boolean);
  const lines = found.flatMap(({ name, header: head, rows }) => [[name], head, ...rows, []]);
  save({ name: document.title, header: lines[0] ?? [], rows: lines.slice(1) });
}

function footer() {
  const release = site.release;
  document.getElementById("foot").replaceChildren(h("p", {},
    release ? `Release ${release.release_id} of ${moment(release.released_at)}. ` : "", "Ratios are sums divided last; a dash is unknown, never zero. ",
    h("a", { href: "#/handbook" }, "What the numbers mean")));
}

/** Dark or light: the system's, until a reader chooses. */
function theme(choice, chosen = false) {
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = choice === "dark" || choice === "light" ? choice : system;
  if (chosen) { localStorage.setItem("theme", choice); charts.redraw(); }
}

function broken(error) {
  main.setAttribute("aria-busy", "false");
  main.replaceChildren(h("section", { class: "card notice", role: "alert" }, h("h2", {}, "The figures could not be read"), h("p", {}, String(error.message)),
    h("p", {}, location.protocol === "file:" ? "Browsers do not read files beside a page from disk: open it with `plantlake serve`." : "Is the folder complete? `plantlake publish site` writes it anew.")));
}

