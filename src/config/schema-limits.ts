import { z } from "zod";
import { duration } from "./values.ts";

const between = (least: number, most: number, words: string) =>
  duration.refine((ms) => ms >= least && ms <= most, { error: `must be ${words}` });

/** What clients may take; each protects those that behave from those that do not. */
export const limits = z.strictObject({
  connections: z
    .int()
    .positive()
    .prefault(20_000)
    .describe(
      "connections open at a time; never more than four fifths of the files that the process may open",
    ),
  idle: between(10_000, 255_000, "between 10s and 255s")
    .prefault("255s")
    .describe("a connection without a byte for this long is closed"),
  head: between(1000, 3_600_000, "between 1s and 1h")
    .prefault("1m")
    .describe("the time a client has to send the head of a request"),
  uploads: z.int().positive().prefault(10_000).describe("unfinished uploads at a time"),
  uploadsPerRepository: z
    .int()
    .positive()
    .prefault(1000)
    .describe("unfinished uploads at a time in one repository"),
  requestsPerSecond: z
    .number()
    .positive()
    .optional()
    .describe("requests a second from one address; more are answered with 429. Unset: any number"),
});
