const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

const PART = String.raw`(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)`;

/** Milliseconds, with fractions, of a duration in Go's notation (`1m30s`; without a unit: nanoseconds); null when it is none. Pure. */
export function parseGoDuration(text: string): number | null {
  if (/^\d+$/.test(text)) return Number(text) / 1e6;
  if (!new RegExp(`^(?:${PART})+$`).test(text)) return null;
  const parts = [...text.matchAll(new RegExp(PART, "g"))];
  const sum = parts.reduce(
    (all, [, n, unit = ""]) => all + Number(n) * (NANOSECONDS[unit] ?? 0),
    0,
  );
  return sum / 1e6;
}
