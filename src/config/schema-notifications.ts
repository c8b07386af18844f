import { z } from "zod";
import { duration } from "./values.ts";

const endpoint = z.strictObject({
  /** Names its queue: an endpoint that is renamed begins anew. */
  name: z.string().min(1),
  url: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }),
  /** Sent with every delivery. */
  headers: z.record(z.string().min(1), z.array(z.string())).default({}),
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
  disabled: z.boolean().default(false),
});

/** Who hears of pushes, pulls, deletes and mounts, in the event format of the distribution registry. */
export const notifications = z.strictObject({
  endpoints: z
    .array(endpoint)
    .default([])
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
      error: "two endpoints have the same name",
    }),
});
