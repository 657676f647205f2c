// What is looked at, in the address: every state of a page can be linked to, and the back button goes back.
// #/plant/deu01?period=MONTH:2026-10-01&profile=ISO

/** The state in the address: {page, id, ...filters}. */
export function read() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [page, ...rest] = path.split("/").map(decode);
  return { page: page || "portfolio", id: rest.length ? rest.join("/") : null, ...Object.fromEntries(new URLSearchParams(query ?? "")) };
}

function decode(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

/** The address of a state. */
export function link({ page, id, ...filters }) {
  const said = Object.entries(filters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(said).toString();
  return `#/${page}${id ? `/${encodeURIComponent(id)}` : ""}${query ? `?${query}` : ""}`;
}

/** The filters that stay when somebody goes on to another page. */
export const kept = (state) => ({ period: state.start ? `${state.kind}:${state.start}` : null, profile: state.profile === "ISO" ? null : state.profile });

/** Goes to a state. */
export const go = (state) => { location.hash = link(state); };
