import { z } from "zod";
import { isDigest } from "../oci/digest.ts";
import { schedule, timeWindow, timeZone } from "./times.ts";
import { duration } from "./values.ts";

const digest = z.string().refine(isDigest, { error: "must be a digest, such as sha256:ab…" });

/** When what nobody needs is collected, and how long it can be restored. */
export const gc = z.strictObject({
  enabled: z
    .boolean()
    .prefault(true)
    .describe("collect garbage while the registry runs; `wharf gc` works also without"),
  grace: duration
    .prefault("1h")
    .describe("a blob is collected only when for this long nobody has pushed or asked for it"),
  untaggedAfter: z
    .union([duration, z.literal("never")])
    .prefault("7d")
    .describe(
      "a manifest that no tag, index or subject keeps goes when it was untagged and unpulled for this long; `never`: it stays",
    ),
  emptyRepositories: z
    .boolean()
    .prefault(true)
    .describe("remove the names of repositories that hold nothing any more"),
  protected: z
    .array(digest)
    .prefault([])
    .describe("digests of manifests that are kept in every repository, with all they need"),
  schedule: schedule
    .optional()
    .describe(
      "when to collect, as in cron (`0 3 * * *`), in the time zone below. Unset: whenever something is due",
    ),
  window: timeWindow
    .optional()
    .describe("the hours in which collecting may go on, such as `22:00-06:00`. Unset: always"),
  timeZone: timeZone.prefault("UTC").describe("of schedule and window, such as Europe/Berlin"),
  pace: z
    .int()
    .positive()
    .prefault(2000)
    .describe("the most removals a second, of manifests, links and blobs together"),
});

/** What was removed can be restored for a while. */
export const trash = z.strictObject({
  keepFor: duration.prefault("24h").describe("what was removed can be restored for this long"),
  freeSpace: z
    .number()
    .min(0)
    .max(90)
    .prefault(5)
    .describe(
      "with less than this percentage of the disk free, what was removed first is freed before its time",
    ),
});
