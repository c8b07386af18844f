import { Cron } from "croner";
import { parseWindow } from "../config/times.ts";

/** When collections may begin and go on by themselves; as checked by the configuration. */
export interface Times {
  readonly schedule?: string | undefined;
  readonly window?: string | undefined;
  readonly timeZone: string;
}

/** Milliseconds until the schedule says so next; null: there is none, or it never comes again. Pure. */
export function untilScheduled({ schedule, timeZone }: Times, now: number): number | null {
  if (schedule === undefined) return null;
  const next = new Cron(schedule, { paused: true, timezone: timeZone }).nextRun(new Date(now));
  return next === null ? null : next.getTime() - now;
}

/** Whether a collection may go on at this time of the day. Its end belongs no more to it. Pure. */
export function inWindow({ window, timeZone }: Times, now: number): boolean {
  const hours = window === undefined ? null : parseWindow(window);
  if (hours === null) return true;
  const at = minuteOfDay(now, timeZone);
  const { from, to } = hours;
  return from < to ? at >= from && at < to : at >= from || at < to;
}

function minuteOfDay(now: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(now);
  const part = (type: string): number =>
    Number(parts.find((one) => one.type === type)?.value ?? Number.NaN);
  return part("hour") * 60 + part("minute");
}
