import pino, { type Logger } from "pino";
import pretty from "pino-pretty";

export type Log = Logger;

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export const LOG_FORMATS = ["auto", "json", "pretty"] as const;

export interface LogOptions {
  readonly level: (typeof LOG_LEVELS)[number];
  /** `auto`: pretty on a terminal, JSON lines elsewhere. */
  readonly format: (typeof LOG_FORMATS)[number];
  /** What stands in every line. */
  readonly fields?: Readonly<Record<string, string>>;
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
  const destination = readable
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
