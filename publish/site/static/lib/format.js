// Numbers, days and words as people read them. One place, so that a card, a chart and a table never differ.

const numbers = (digits) => new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const one = numbers(1), none = numbers(0);
export const MISSING = "–";
export const PROFILES = { ISO: "ISO 22400", TPM: "TPM", LOCAL: "Plant's own" };

/** A KPI's value with its unit: 57.2 %, 12.4 h. Unknown is a dash, never 0. */
export function value(number, unit) {
  if (number === null || number === undefined || Number.isNaN(number)) return MISSING;
  return unit === "ratio" ? `${one.format(100 * number)} %` : `${plain(number)}${unit ? ` ${unit}` : ""}`;
}

/** A difference of two values: points for ratios. */
export function change(number, unit) {
  if (number === null || number === undefined) return MISSING;
  const size = Math.abs(number) * (unit === "ratio" ? 100 : 1);
  const text = unit === "ratio" ? one.format(size) : plain(size);
  const sign = !/[1-9]/.test(text) ? "±" : number > 0 ? "+" : "−";
  return `${sign}${text} ${unit === "ratio" ? "pt" : unit ?? ""}`.trim();
}

/** A number with as many digits as it needs. */
export function plain(number) {
  if (number === null || number === undefined) return MISSING;
  const size = Math.abs(number);
  return size >= 100 || Number.isInteger(number) ? none.format(number) : size >= 1 ? one.format(number) : new Intl.NumberFormat("en", { maximumSignificantDigits: 2 }).format(number);
}

/** A share: 97 %; what is not all is never 100 %, what is there never 0 %. */
export function share(number) {
  if (number === null || number === undefined) return MISSING;
  if (number >= 1 || number <= 0) return `${none.format(100 * number)} %`;
  return `${Math.min(99, Math.max(1, Math.round(100 * number)))} %`;
}

/** Seconds as hours. */
export const hours = (seconds) => (seconds === null || seconds === undefined ? MISSING : `${plain(Number(seconds) / 3600)} h`);

/** Money in words that fit: $1.24 M. */
export function money(amount, currency) {
  if (amount === null || amount === undefined) return MISSING;
  return new Intl.NumberFormat("en", { style: "currency", currency, notation: "compact", maximumSignificantDigits: 3 }).format(amount);
}

const month = new Intl.DateTimeFormat("en", { month: "short", year: "numeric", timeZone: "UTC" });
const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

/** A period by its first day: Oct 2026, week of 5 Oct 2026, Q4 2026. */
export function period(kind, start) {
  const date = new Date(`${start}T00:00:00Z`);
  if (kind === "MONTH") return month.format(date);
  if (kind === "QUARTER") return `Q${Math.floor(date.getUTCMonth() / 3) + 1} ${date.getUTCFullYear()}`;
  return kind === "WEEK" ? `week of ${day.format(date)}` : day.format(date);
}

/** Whether a period lies behind a moment. */
export function isOver(kind, start, now) {
  const end = new Date(`${start}T00:00:00Z`);
  if (kind === "WEEK") end.setUTCDate(end.getUTCDate() + 7);
  else end.setUTCMonth(end.getUTCMonth() + (kind === "QUARTER" ? 3 : 1));
  return !now || end <= new Date(now);
}

/** The day of a moment in UTC. */
export const dayOf = (text) => (text ? day.format(new Date(text)) : MISSING);

/** A moment in UTC. */
export function moment(text) {
  if (!text) return MISSING;
  const date = new Date(text);
  return `${day.format(date)}, ${date.toISOString().slice(11, 16)} UTC`;
}

/** How long before another moment: 3 days, 5 h. */
export function ago(text, now) {
  const spent = (new Date(now) - new Date(text)) / 3600000;
  return spent >= 48 ? `${Math.round(spent / 24)} days` : `${Math.max(0, Math.round(spent))} h`;
}

/** A word of the data as people write it: NO_STATES, no states. */
export const spelled = (word) => String(word ?? "").toLowerCase().replaceAll("_", " ");
