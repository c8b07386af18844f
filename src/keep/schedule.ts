import { Cron } from "croner";

/** When something is done by itself, as checked by the configuration. Both may be given: either is a reason. */
export interface Times {
  /** As in cron, of five or six fields. */
  readonly schedule?: string | undefined;
  /** Milliseconds after it began the last time. */
  readonly every?: number | undefined;
  /** Of the schedule. */
  readonly timeZone: string;
}

/**
 * When it is due next, in UTC milliseconds; null: never by itself. `last`: when it began the last time, or,
 * if it never did, since when anybody knows of it.
 *
 * What came to be due while nobody was there is due at that time, which is past now: so it is done once,
 * late, and not once for each time that was missed. Where clocks are put forward, a time of the day that is
 * skipped comes after the gap; where they are put back, a time that comes twice counts once. Pure.
 */
export function dueAt({ schedule, every, timeZone }: Times, last: number): number | null {
  const due = [
    ...(every === undefined ? [] : [last + every]),
    ...(schedule === undefined ? [] : [scheduledAfter(schedule, timeZone, last)]),
  ].filter((at) => at !== null);
  return due.length === 0 ? null : Math.min(...due);
}

/** Null: it never comes again. */
function scheduledAfter(schedule: string, timeZone: string, last: number): number | null {
  const cron = new Cron(schedule, { paused: true, timezone: timeZone });
  return cron.nextRun(new Date(last))?.getTime() ?? null;
}
