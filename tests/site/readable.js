// What a reader who does not see, or sees little, would miss on this page: a list of findings, empty when all is well.
const found = [];
const shown = (node) => node.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && node.getClientRects().length > 0;
const say = (what, node) => found.push(`${what}: ${node.outerHTML.replace(/\s+/g, " ").slice(0, 160)}`);
const words = (ids) => ids.split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" ");
const name = (node) => [node.getAttribute("aria-label"), node.hasAttribute("aria-labelledby") ? words(node.getAttribute("aria-labelledby")) : "",
  ...(node.labels ? [...node.labels].map((label) => label.textContent) : []), node.matches("a, button, summary, [role=img] > title") ? node.textContent : "",
  node.getAttribute("alt"), node.getAttribute("title")].find((text) => text?.trim()) ?? "";

for (const node of document.querySelectorAll("a[href], button, select, input, summary, textarea, [role=img], [role=region], img, nav, [role=group]"))
  if (shown(node) && !name(node)) say("has no name", node);
for (const node of document.querySelectorAll("svg")) if (shown(node) && !node.closest("[role=img], [aria-hidden=true], button, a") && !name(node)) say("a picture without a name", node);
for (const node of document.querySelectorAll("table")) if (!node.querySelector("thead th")) say("a table without headings", node);

let level = 0;
for (const node of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
  if (!shown(node)) continue;
  const now = Number(node.tagName[1]);
  if (now > level + 1) say(`heading ${now} follows ${level}`, node);
  level = now;
}
if (document.querySelectorAll("h1").length !== 1) found.push("not one h1");
if (document.querySelectorAll("main").length !== 1) found.push("not one main");
if (!document.documentElement.lang) found.push("no language");
const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
for (const id of new Set(ids)) if (ids.filter((one) => one === id).length > 1) found.push(`id twice: ${id}`);

// Contrast of text with what is behind it (WCAG 2: 4.5, large text 3). Text in a chart stands on its card.
const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
const over = ([r, g, b, a], [R, G, B]) => [r, g, b].map((value, place) => (value * a + [R, G, B][place] * (255 - a)) / 255);
const light = (rgb) => rgb.map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
  .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
const behind = (node) => {
  const layers = [];
  for (let at = node; at; at = at.parentElement) {
    const colour = rgba(getComputedStyle(at).backgroundColor);
    layers.push(colour);
    if (colour[3] === 255) break;
  }
  return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
};
// Text of a picture lies on the shape below it, if there is one, else on its card.
const ground = (node) => {
  if (!(node instanceof SVGElement)) return behind(node);
  const { left, top, width, height } = node.getBoundingClientRect();
  const below = document.elementsFromPoint(left + width / 2, top + height / 2);
  const filled = ({ fill, fillOpacity, opacity }) => fill !== "none" && rgba(fill)[3] * Number(fillOpacity) * Number(opacity) > 128;
  const shape = below.find((one) => one instanceof SVGGeometryElement && filled(getComputedStyle(one)));
  return shape ? over(rgba(getComputedStyle(shape).fill), behind(node)) : behind(node);
};
const seen = new Set();
for (const node of document.querySelectorAll("body *")) {
  const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
  if (!own || !shown(node) || node.matches("option, optgroup, script, style, noscript, .skip") || node.closest("[aria-hidden=true]")) continue;
  const style = getComputedStyle(node), under = ground(node);
  const ink = over(rgba(node instanceof SVGElement ? style.fill : style.color), under);
  const [high, low] = [light(ink), light(under)].sort((a, b) => b - a);
  const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  const ratio = (high + 0.05) / (low + 0.05), key = `${ink}|${under}|${large}`;
  if (ratio < (large ? 3 : 4.5) && !seen.has(key)) { seen.add(key); say(`contrast ${ratio.toFixed(2)}`, node); }
}
return found;
