/** How decisions speak: short, exact, without a clock or a language of its own. */

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;

/** A policy has few of them, and many tags. */
const durations = new Map<number, string>();

/** `14d`, `1h30m`: as the configuration takes it. */
export function durationText(milliseconds: number): string {
  const known = durations.get(milliseconds);
  if (known !== undefined) return known;
  const text = spelledOut(milliseconds);
  if (durations.size < 1000) durations.set(milliseconds, text);
  return text;
}

function spelledOut(milliseconds: number): string {
  let rest = Math.round(milliseconds);
  const parts = UNITS.flatMap(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? [] : [`${count}${unit}`];
  });
  return parts.join("") || "0s";
}

const dates = new Map<number, string>();

/** Days since 1970, in UTC. */
export function dayOf(time: number): number {
  return Math.floor(time / 86_400_000);
}

/** `2026-01-02`, in UTC. */
export function dateText(time: number): string {
  const day = dayOf(time);
  const known = dates.get(day);
  if (known !== undefined) return known;
  const text = new Date(day * 86_400_000).toISOString().slice(0, 10);
  // Days repeat: so many tags, so few of them. Bounded all the same.
  if (dates.size < 20_000) dates.set(day, text);
  return text;
}

/** `20GiB`, `1.5MiB`, `12B`. */
export function sizeText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number(value.toFixed(1))}${units[unit]}`;
}

/** `sha256:0123456789ab`: enough for people to find it. */
export function shortDigest(digest: string): string {
  return digest.slice(0, digest.indexOf(":") + 13);
}
