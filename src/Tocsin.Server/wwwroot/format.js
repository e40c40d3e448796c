// How things are written: numbers, ages, times, countries, JSON. Everything here returns text.
const number = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const dateTime = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const dateTimeYear = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const regions = new Intl.DisplayNames(undefined, { type: "region", fallback: "code" });

export const priorities = ["critical", "high", "medium", "low"];

/** What a person is ranked by: one critical weighs as much as eight low ones. */
export const priorityWeight = { critical: 8, high: 4, medium: 2, low: 1 };

export const count = (n) => number.format(n ?? 0);
export const shortCount = (n) => (n < 10_000 ? number.format(n) : compact.format(n));
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** How long something took: most polls take milliseconds. */
export const took = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

export function bytes(n) {
  const units = ["B", "kB", "MB", "GB"];
  let i = 0;
  for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
  return `${n >= 10 || i === 0 ? Math.round(n) : n.toFixed(1)} ${units[i]}`;
}

export function duration(seconds) {
  const n = Math.abs(Math.round(seconds));
  if (n < 90) return `${n} s`;
  if (n < 5400) return `${Math.round(n / 60)} min`;
  return n < 129_600 ? `${Math.round(n / 3600)} h` : `${Math.round(n / 86_400)} d`;
}

/** How long ago, or in how long. */
export function age(time, now = Date.now()) {
  if (!time) return "never";
  const seconds = (now - Date.parse(time)) / 1000;
  if (Math.abs(seconds) < 2) return "now";
  return seconds < 0 ? `in ${duration(seconds)}` : `${duration(seconds)} ago`;
}

/** Local time; the year only when it is another one. */
export function localTime(time) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return String(time ?? "–");
  return (date.getFullYear() === new Date().getFullYear() ? dateTime : dateTimeYear).format(date);
}

export const utcTime = (time) => `${String(time).replace("T", " ").replace("Z", "")} UTC`;

export function country(code) {
  if (!code) return "";
  try {
    return regions.of(code);
  } catch {
    return code;
  }
}

const rules = { none: "the record names nobody", record: "the record itself", identity: "the identities", unresolved: "nobody was found for the address", owner: "the owners' file" };

/** By which rule an event got its person, in words. */
export function ruleText(attribution) {
  const { rule = "none", source, address } = attribution ?? {};
  return `${rules[rule] ?? rule}${source ? ` of ${source}` : ""}${address ? `, ${address}` : ""}`;
}

/** What a datetime-local field takes, from an instant; and back. */
export function toLocalField(time) {
  const date = new Date(time);
  if (!time || Number.isNaN(date.getTime())) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export const fromLocalField = (text) => (text ? new Date(text).toISOString() : null);

/** Like 30s, 5m or 1h: what the service takes as an interval. */
export function interval(seconds) {
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}

/** Lays JSON out in lines without reading its values: numbers stay digit for digit as they came. */
export function layOutJson(text) {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
  let out = "";
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    if (token === "{" || token === "[") {
      if (tokens[i + 1] === (token === "{" ? "}" : "]")) {
        out += token + tokens[++i];
        continue;
      }
      depth++;
      out += token + line();
    } else if (token === "}" || token === "]") {
      depth--;
      out += line() + token;
    } else if (token === ",") out += token + line();
    else out += token === ":" ? ": " : token;
  }
  return out;
}
