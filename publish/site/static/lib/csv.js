// What is shown, as a file. Cells that a spreadsheet would run as a formula are kept as text.

const risky = /^[=+\-@\t\r]/;

/** One cell of RFC 4180; a leading apostrophe keeps text that looks like a formula text. */
export function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = risky.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The text of a file of {header, rows}. */
export const text = ({ header, rows }) => [header, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");

/** Saves it under its name. */
export function save(csv) {
  const blob = new Blob(["\ufeff", text(csv)], { type: "text/csv;charset=utf-8" });
  const link = Object.assign(document.createElement("a"), {
    href: URL.createObjectURL(blob), download: `${csv.name.replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 80)}.csv`,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
