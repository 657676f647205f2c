// A course over periods as one small line: a gap where there is no value, a dot at the newest.

const SVG = "http://www.w3.org/2000/svg";

/** An SVG of values between `low` and `high`; `mark` is the place of the period that is looked at. */
export function spark(values, { low, high, mark = null, width = 220, height = 56, label }) {
  const node = make("svg", { viewBox: `0 0 ${width} ${height}`, class: "spark", role: "img", "aria-label": label, preserveAspectRatio: "none" });
  const x = (place) => (values.length > 1 ? 4 + (place * (width - 8)) / (values.length - 1) : width / 2);
  const y = (value) => height - 5 - ((value - low) / (high - low || 1)) * (height - 10);
  let path = "", pen = false;
  values.forEach((value, place) => {
    if (value === null) { pen = false; return; }
    path += `${pen ? "L" : "M"}${x(place).toFixed(1)},${y(value).toFixed(1)}`;
    if (!pen && (values[place + 1] ?? null) === null) path += "h.01";
    pen = true;
  });
  node.append(make("path", { d: path, class: "line", "vector-effect": "non-scaling-stroke" }));
  if (mark !== null && values[mark] !== null && values[mark] !== undefined) node.append(make("circle", { cx: x(mark), cy: y(values[mark]), r: 3.5 }));
  return node;
}

function make(tag, props) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(props)) node.setAttribute(key, value);
  return node;
}
