import { Cron } from "croner";
import { z } from "zod";

/** Five fields, or six with seconds first: what else the library takes is no schedule. */
const FIELDS = /^\s*(?:\S+\s+){4,5}\S+\s*$/;

/** When to do something, in the words of cron. */
export const schedule = z.string().superRefine((text, context) => {
  if (!FIELDS.test(text)) {
    context.addIssue(`${JSON.stringify(text)} is not a schedule of cron, such as \`0 3 * * *\``);
    return;
  }
  try {
    const next = new Cron(text, { paused: true, timezone: "UTC" }).nextRun();
    if (next === null) context.addIssue(`${JSON.stringify(text)} never comes`);
  } catch (error) {
    const reason = (error as Error).message.replace(/^CronPattern: /, "");
    context.addIssue(`${JSON.stringify(text)} is not a schedule of cron (${reason})`);
  }
});

/** Hours of the day: `22:00-06:00`. */
export const timeWindow = z.string().superRefine((text, context) => {
  if (parseWindow(text) === null) {
    context.addIssue(`${JSON.stringify(text)} is not a span of hours, such as 22:00-06:00`);
  }
});

export const timeZone = z.string().superRefine((text, context) => {
  try {
    Intl.DateTimeFormat("en", { timeZone: text });
  } catch {
    context.addIssue(`${JSON.stringify(text)} is not a time zone, such as Europe/Berlin`);
  }
});

/** Minutes since midnight. `to` may be smaller than `from`: then it is on the next day. */
export interface TimeWindow {
  readonly from: number;
  readonly to: number;
}

/** Null when it is none, or empty. Pure. */
export function parseWindow(text: string): TimeWindow | null {
  const [, ...parts] = /^(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)$/.exec(text) ?? [];
  const [hour = NaN, minute = NaN, lastHour = NaN, lastMinute = NaN] = parts.map(Number);
  const [from, to] = [hour * 60 + minute, lastHour * 60 + lastMinute];
  const valid = hour < 24 && minute < 60 && lastMinute < 60 && to <= 24 * 60;
  return valid && from !== to ? { from, to } : null;
}
