import pino, { type Logger } from "pino";
import pretty from "pino-pretty";

export type Log = Logger;

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export const LOG_FORMATS = ["auto", "json", "pretty", "dated"] as const;

export interface LogOptions {
  readonly level: (typeof LOG_LEVELS)[number];
  /** `auto`: pretty on a terminal, JSON lines elsewhere. */
  readonly format: (typeof LOG_FORMATS)[number];
  /** What stands in every line. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** As Python's logging has them. */
const LEVEL_NAMES: Readonly<Record<string, string>> = { WARN: "WARNING", FATAL: "CRITICAL" };

/** `2026-01-31 23:59:59 [INFO] message`, in local time, then the fields: for what reads such lines. */
function dated(): ReturnType<typeof pretty> {
  return pretty({
    destination: 2,
    sync: true,
    colorize: false,
    ignore: "pid,hostname,time,level",
    singleLine: true,
    messageFormat: ({ time, level: label, msg }) => {
      const level = String(label).toUpperCase();
      const text = typeof msg === "string" ? msg : "";
      return `${localTime(String(time))} [${LEVEL_NAMES[level] ?? level}] ${text}`;
    },
  });
}

function localTime(iso: string): string {
  const at = new Date(iso);
  const two = (number: number): string => String(number).padStart(2, "0");
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":")}`;
}

/** Names under which a secret may travel; their values never reach the log. */
const SECRETS = [
  "authorization",
  "password",
  "token",
  "secret",
  "*.authorization",
  "*.password",
  "*.token",
  "*.secret",
];

/**
 * Structured logs on stderr: stdout belongs to what a command prints. Written at once, so that the last
 * line before an end, which says why, is never the one that is lost.
 */
export function createLog(
  { level, format, fields = {} }: LogOptions,
  terminal: boolean,
  colours = terminal,
): Log {
  const readable = format === "pretty" || (format === "auto" && terminal);
  const destination =
    format === "dated"
      ? dated()
      : readable
        ? pretty({
            destination: 2,
            sync: true,
            colorize: colours,
            ignore: "pid,hostname",
            translateTime: "SYS:HH:MM:ss.l",
            singleLine: true,
          })
        : pino.destination({ dest: 2, sync: true });
  return pino(
    {
      level,
      base: { ...fields },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS, censor: "[redacted]" },
    },
    destination,
  );
}
