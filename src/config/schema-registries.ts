import { z } from "zod";
import { isRepositoryName } from "../oci/name.ts";
import { schedule, timeZone } from "./times.ts";
import { duration, file } from "./values.ts";

/** When something is done. */
const times = {
  schedule: schedule.optional().describe("as in cron (`0 3 * * *`), in the time zone below"),
  every: duration
    .refine((ms) => ms >= 1000, { error: "must be at least 1s" })
    .optional()
    .describe("so long after the last one began"),
  timeZone: timeZone.prefault("UTC").describe("of the schedule, such as Europe/Berlin"),
  atStart: z.boolean().prefault(false).describe("and once at the start"),
};

export const prune = z
  .strictObject({
    ...times,
    dryRun: z.boolean().prefault(false).describe("only report what would go"),
  })
  .describe("when retention is applied");

const COLLECTORS = ["none", "tree", "registry", "docker-exec", "harbor"] as const;

const collect = z
  .strictObject({
    with: z
      .enum(COLLECTORS)
      .describe(
        "`tree`: our own collector on the registry's folder; `registry`: its own `garbage-collect`; `docker-exec`: the same in its container; `harbor`: Harbor's own, over its API",
      ),
    data: file
      .optional()
      .describe("`tree`: the registry's folder, the one with `docker/registry/v2` in it"),
    config: file
      .optional()
      .describe(
        "`tree`, `registry`, `docker-exec`: the registry's config.yml, which also names its folder",
      ),
    container: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, { error: "must be the name of a container" })
      .optional()
      .describe("`docker-exec`: the name of its container"),
    program: z
      .string()
      .min(1)
      .optional()
      .describe(
        "`registry`, `docker-exec`: the registry's executable. Unset: `registry`; for the former `docker-registry`, as Debian calls it, where that is there",
      ),
    grace: duration.prefault("1h").describe("`tree`: how old garbage must be"),
    deleteUntagged: z
      .boolean()
      .optional()
      .describe(
        "manifests that nothing keeps go as well. Unset: yes with `tree` and with a registry 3; not with a registry 2, whose `garbage-collect` takes the platforms of multi-platform images with them, nor with Harbor, which takes also what is being pushed",
      ),
    ...times,
    afterDeletes: z
      .union([duration, z.literal("never")])
      .prefault("1m")
      .describe("so long after the last delete that a notification told of"),
    afterPrune: z.boolean().prefault(true).describe("after retention has removed something"),
  })
  .refine((one) => one.with !== "tree" || one.data !== undefined || one.config !== undefined, {
    error: "with: tree needs data or config",
  })
  .refine((one) => one.with !== "docker-exec" || one.container !== undefined, {
    error: "with: docker-exec needs container",
  });

const repository = z.string().refine(isRepositoryName, {
  error:
    "is no name of a repository, such as team/app: without the host, in small letters, and no glob",
});

const registry = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: "must be letters, digits, dots and dashes" })
    .describe("names the registry in commands, reports and metrics"),
  url: z.string().min(1).describe("`HOST[:PORT]` or a URL"),
  type: z
    .enum(["auto", "oci", "harbor"])
    .prefault("auto")
    .describe("`auto` asks it; `oci`: any registry; `harbor`: through Harbor's API as well"),
  username: z.string().min(1).optional().describe("unset: as `docker login` has left it"),
  password: z.string().min(1).optional().meta({ secret: true, description: "see `username`" }),
  ca: file.optional().describe("PEM: who may have signed its certificate, besides the usual ones"),
  insecure: z.boolean().prefault(false).describe("take any certificate of its host"),
  proxy: z
    .url({ protocol: /^https?$/, error: "must be an http or https URL" })
    .optional()
    .meta({
      secret: true,
      description: "the proxy to it; unset: HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
    }),
  privateRealm: z
    .boolean()
    .prefault(false)
    .describe("its token server may be at a private address although the registry is not"),
  tokenServers: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      "`HOST[:PORT]` of token servers that are not of its own domain and get its credentials all the same",
    ),
  repositories: z
    .array(repository)
    .min(1)
    .optional()
    .describe("its repositories; unset: what its catalog says, which some registries do not have"),
  skip: z
    .int()
    .nonnegative()
    .optional()
    .describe("so many of its repositories, the first by their names, are left alone"),
  tree: file
    .optional()
    .describe(
      "the folder of its storage, where it can be read: what it holds is read there, also manifests that no tag leads to, which most registries list nowhere. Deleting goes over the API",
    ),
  policies: z
    .array(z.string())
    .optional()
    .describe("names of those of `retention` that apply here; unset: all of them"),
  concurrency: z.int().min(1).max(256).prefault(8).describe("requests at once"),
  rate: z.number().positive().optional().describe("requests a second at most"),
  retries: z.int().min(0).max(20).prefault(5).describe("of a request that was answered 429 or 5xx"),
  replaceTags: z
    .boolean()
    .prefault(false)
    .describe(
      "where a registry cannot remove one of several tags of an image: put an empty manifest under the tag and delete that. Off: such tags stay, and are reported",
    ),
  prune: prune.optional(),
  collect: collect.optional(),
});

/** Registries elsewhere, which `wharf keep`, `prune`, `list` and others know by their names. */
export const registries = z
  .array(registry)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
    error: "two registries have the same name",
  });
