import { z } from "zod";
import { duration } from "./values.ts";

const between = (least: number, most: number, words: string) =>
  duration.refine((ms) => ms >= least && ms <= most, { error: `must be ${words}` });

/** What clients may take; each protects those that behave from those that do not. */
export const limits = z.strictObject({
  /** Connections open at a time; never more than four fifths of the files that the process may open. */
  connections: z.int().positive().default(20_000),
  /** A connection without a byte for this long is closed. */
  idle: between(10_000, 255_000, "between 10s and 255s").default(255_000),
  /** The time a client has to send the head of a request. */
  head: between(1000, 3_600_000, "between 1s and 1h").default(60_000),
  /** Unfinished uploads at a time. */
  uploads: z.int().positive().default(10_000),
  /** Unfinished uploads at a time in one repository. */
  uploadsPerRepository: z.int().positive().default(1000),
  /** Requests a second from one address; more are answered with 429. Unset: any number. */
  requestsPerSecond: z.number().positive().optional(),
});
