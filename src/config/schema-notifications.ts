import { z } from "zod";
import { duration } from "./values.ts";

/** @see RFC 9110, section 5: what a header may be made of. Wrong ones are refused without repeating them. */
const headerName = z.string().regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, {
  error: "is not the name of a header",
});
const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, {
  error: "has characters that a header cannot have",
});

const endpoint = z.strictObject({
  /** Names its queue: an endpoint that is renamed begins anew. */
  name: z.string().min(1),
  url: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }),
  /** Sent with every delivery. */
  headers: z.record(headerName, z.array(headerValue)).default({}),
  /** For one delivery. */
  timeout: duration.default(5000),
  /** After so many failures in a row it waits for `backoff` between attempts. */
  threshold: z.int().positive().default(10),
  backoff: duration.default(1000),
  /** Events that are not sent to it. */
  ignore: z
    .strictObject({
      mediaTypes: z.array(z.string().min(1)).default([]),
      actions: z.array(z.enum(["push", "pull", "delete", "mount"])).default([]),
    })
    .prefault({}),
  /** The most events in one delivery; 1 is what registry:2 sends. */
  batch: z.int().min(1).max(1000).default(100),
  /** Signs every delivery, so that the receiver can tell it from a forged one. */
  secret: z.string().min(1).optional(),
  disabled: z.boolean().default(false),
});

/** Who hears of pushes, pulls, deletes and mounts, in the event format of the distribution registry. */
export const notifications = z.strictObject({
  /** Whether events of manifests list what the manifests name. */
  includeReferences: z.boolean().default(false),
  /** The most events that wait on the disk; beyond it the least important are given up, loudly. */
  limit: z.int().positive().default(100_000),
  endpoints: z
    .array(endpoint)
    .default([])
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
      error: "two endpoints have the same name",
    }),
});
