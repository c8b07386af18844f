/** Milliseconds of each unit. */
type Units = Readonly<Record<string, number>>;

const OURS: Units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

const GO: Units = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds of `90d`, `12h`, `1h30m`, `500ms`; null when it is none of these. Pure. */
export function parseDuration(text: string): number | null {
  const sum = sumOf(text, String.raw`\d+(?:\.\d+)?`, OURS);
  return sum !== null && Number.isSafeInteger(Math.round(sum)) ? Math.round(sum) : null;
}

/** Milliseconds, with fractions, of a duration in Go's notation (`1m30s`; without a unit: nanoseconds); null when it is none. Pure. */
export function parseGoDuration(text: string): number | null {
  if (/^\d+$/.test(text)) return Number(text) / 1e6;
  return sumOf(text, String.raw`\d+(?:\.\d*)?|\.\d+`, GO);
}

/** Numbers with units, one after the other. */
function sumOf(text: string, number: string, units: Units): number | null {
  // The longest first: `ms` is not minutes.
  const names = Object.keys(units).toSorted((a, b) => b.length - a.length);
  const part = `(${number})(${names.join("|")})`;
  if (!new RegExp(`^(?:${part})+$`).test(text)) return null;
  const parts = [...text.matchAll(new RegExp(part, "g"))];
  return parts.reduce((all, [, n, unit = ""]) => all + Number(n) * (units[unit] ?? 0), 0);
}
