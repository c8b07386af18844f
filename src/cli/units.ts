const UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB"];

/** Bytes for people, in units of 1024: `999 B`, `1.5 MiB`, `240 MiB`. Pure. */
export function humanSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let value = bytes / 1024;
  let unit = 0;
  // What would be rounded to 1024 is 1.0 of the next.
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value < 99.95 ? value.toFixed(1) : value.toFixed(0)} ${UNITS[unit]}`;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Each with its length, the longest first. */
const SPANS: readonly (readonly [string, number])[] = [
  ["year", 365 * DAY],
  ["month", 30 * DAY],
  ["week", 7 * DAY],
  ["day", DAY],
  ["hour", HOUR],
  ["minute", MINUTE],
];

/** How long ago a time was (both UTC milliseconds): `3 days ago`. What lies ahead is shown as a date. Pure. */
export function ago(time: number, now: number): string {
  const passed = now - time;
  // Clocks differ a little; by more, something is wrong and should be seen.
  if (passed < -MINUTE) return isoTime(time);
  for (const [name, length] of SPANS) {
    const count = Math.floor(passed / length);
    if (count >= 1) return `${count} ${name}${count === 1 ? "" : "s"} ago`;
  }
  return "just now";
}

/** UTC, to the second. A number that is no time is shown as it came. Pure. */
export function isoTime(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? String(time) : `${date.toISOString().slice(0, -5)}Z`;
}

/** `3 tags`, `1 tag`, `2 repositories`. Pure. */
export function counted(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${count} ${noun.replace(/y$/, "ie")}s`;
}

/** The first 12 hex digits, as docker shows an id. Pure. */
export function shortDigest(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1).slice(0, 12);
}
