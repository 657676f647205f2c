// Elements of a page. Text is always a text node: names come from plants and may hold anything.

/** Makes an element: `h("a", {href: "#"}, "text", child)`; `on…` props are listeners, null children are left out. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "class") node.className = value;
    else if (key === "style" || key.startsWith("data-") || key.startsWith("aria-") || !(key in node)) node.setAttribute(key, value === true ? "" : value);
    else node[key] = value;
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** A name that keeps its own direction inside a line of another. */
export const bdi = (text) => h("bdi", {}, String(text ?? ""));

/** A card of a page: a heading, a sentence on how to read it, and what it holds. */
export function card(title, lead, ...children) {
  const id = `c-${(card.count = (card.count ?? 0) + 1)}`;
  return h("section", { class: "card", "aria-labelledby": id },
    h("h2", { id }, title), lead ? h("p", { class: "lead" }, lead) : null, ...children);
}

/** Says in words why there is nothing to see. */
export const nothing = (...words) => h("p", { class: "nothing" }, ...words);

/**
 * A table: columns are {key, title, number?, show?: row => node or text, value?: row => plain value for CSV and sorting}.
 * The table can be sorted by its headings with the mouse and the keyboard; `caption` is read aloud first.
 */
export function table(columns, rows, { caption, most = 500 } = {}) {
  let sorted = null, down = false;
  const plain = (column, row) => (column.value ? column.value(row) : row[column.key]);
  const body = h("tbody");
  const heads = columns.map((column) => h("th", { scope: "col", class: column.number ? "number" : null, "aria-sort": "none" },
    h("button", { type: "button", class: "sort", onclick: () => sort(column) }, column.title)));
  const note = h("p", { class: "note" });
  function draw() {
    let shown = rows;
    if (sorted) shown = [...rows].sort((a, b) => order(plain(sorted, a), plain(sorted, b)) * (down ? -1 : 1));
    body.replaceChildren(...shown.slice(0, most).map((row) => h("tr", {}, columns.map((column, place) =>
      h(place === 0 ? "th" : "td", { scope: place === 0 ? "row" : null, class: column.number ? "number" : null },
        column.show ? column.show(row) : String(row[column.key] ?? "–"))))));
    note.textContent = rows.length > most ? `${rows.length - most} more rows are in the CSV.` : "";
  }
  function sort(column) {
    down = sorted === column ? !down : Boolean(column.number);
    sorted = column;
    heads.forEach((head, place) => head.setAttribute("aria-sort", columns[place] === column ? (down ? "descending" : "ascending") : "none"));
    draw();
  }
  draw();
  const node = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption ?? "Table" },
    h("table", {}, caption ? h("caption", {}, caption) : null, h("thead", {}, h("tr", {}, heads)), body), note);
  node.csv = { name: caption ?? "table", header: columns.map((column) => column.title), rows: rows.map((row) => columns.map((column) => plain(column, row))) };
  return node;
}

/** What has no value comes last in both directions of the eye: after all others when rising, and first only when falling. */
function order(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
}
