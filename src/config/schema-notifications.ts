import { z } from "zod";
import { duration, headers } from "./values.ts";

/** What an endpoint can hear of. */
export const EVENT_ACTIONS = ["push", "pull", "delete", "mount"] as const;

const endpoint = z.strictObject({
  name: z.string().min(1).describe("names its queue: an endpoint that is renamed begins anew"),
  url: z
    .url({ protocol: /^https?$/, error: "must be an http or https URL" })
    .meta({ secret: true, description: "where events are posted" }),
  headers: headers
    .meta({ secret: true, description: "sent with every delivery: name to values" })
    .prefault({}),
  timeout: duration.prefault("5s").describe("for one delivery"),
  threshold: z
    .int()
    .positive()
    .prefault(10)
    .describe("after so many failures in a row it waits for `backoff` between attempts"),
  backoff: duration.prefault("1s").describe("see `threshold`"),
  ignore: z
    .strictObject({
      mediaTypes: z
        .array(z.string().min(1))
        .prefault([])
        .describe("events about these are not sent to it"),
      actions: z.array(z.enum(EVENT_ACTIONS)).prefault([]).describe("nor these events"),
    })
    .prefault({}),
  batch: z
    .int()
    .min(1)
    .max(1000)
    .prefault(100)
    .describe("the most events in one delivery; 1 is what registry:2 sends"),
  secret: z.string().min(1).optional().meta({
    secret: true,
    description: "signs every delivery, so that the receiver can tell it from a forged one",
  }),
  disabled: z.boolean().prefault(false).describe("nothing is sent to it"),
});

/** Who hears of pushes, pulls, deletes and mounts, in the event format of the distribution registry. */
export const notifications = z.strictObject({
  includeReferences: z
    .boolean()
    .prefault(false)
    .describe("whether events of manifests list what the manifests name"),
  limit: z
    .int()
    .positive()
    .prefault(100_000)
    .describe(
      "the most events that wait on the disk; beyond it the least important are given up, loudly",
    ),
  endpoints: z
    .array(endpoint)
    .prefault([])
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
      error: "two endpoints have the same name",
    })
    .describe(
      "who hears of pushes, pulls, deletes and mounts, in the event format of the distribution registry",
    ),
});
