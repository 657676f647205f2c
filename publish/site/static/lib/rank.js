// Who is best, as far as values can be told apart: two plants have different ranks only if their intervals do not overlap.
// The same rule as publish/ranking.py; a test compares them.

import { of } from "./kpi.js";

const NOISE = 1e-9;

/** The interval of a row that has a value. */
export const between = (row) => [row.low ?? of(row), row.high ?? of(row)];

/** Rows with {value, rank, shared, left}: best first, then those without a rank and why: NOT_COMPUTABLE, GRADE_D, NO_TARGET. */
export function ranked(rows, trend) {
  const judged = rows.map((row) => {
    const value = of(row);
    const left = value === null ? "NOT_COMPUTABLE" : row.grade === "D" ? "GRADE_D" : trend === "TARGET" && row.target === null ? "NO_TARGET" : null;
    return { ...row, value, left, ...(left ? {} : loss(row, value, trend)) };
  });
  const inside = judged.filter((row) => !row.left).sort((a, b) => a.least - b.least || a.most - b.most);
  let most = -Infinity, first = 0;
  inside.forEach((row, place) => {
    if (row.least > most + NOISE) first = place;
    most = Math.max(most, row.most);
    row.group = first;
  });
  const size = new Map();
  inside.forEach((row) => size.set(row.group, (size.get(row.group) ?? 0) + 1));
  inside.forEach((row) => { row.rank = row.group + 1; row.shared = size.get(row.group) > 1; });
  inside.sort((a, b) => a.rank - b.rank || a.loss - b.loss || a.scope_id.localeCompare(b.scope_id));
  const outside = judged.filter((row) => row.left).sort((a, b) => a.left.localeCompare(b.left) || a.scope_id.localeCompare(b.scope_id));
  return [...inside, ...outside];
}

function loss(row, value, trend) {
  const [low, high] = between(row);
  if (trend === "LOWER") return { least: low, most: high, loss: value };
  if (trend !== "TARGET") return { least: -high, most: -low, loss: -value };
  const ends = [Math.abs(low - row.target), Math.abs(high - row.target)];
  return { least: Math.max(0, low - row.target, row.target - high), most: Math.max(...ends), loss: Math.abs(value - row.target) };
}

/** The quartiles of values: [q1, median, q3]; null of fewer than four. */
export function quartiles(values) {
  if (values.length < 4) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return [0.25, 0.5, 0.75].map((share) => {
    const at = share * (sorted.length - 1), below = Math.floor(at);
    return sorted[below] + (at - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
  });
}
