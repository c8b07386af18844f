import { z } from "zod";
import { parseNameGlob } from "../oci/name-glob.ts";
import { parseSize } from "./size.ts";
import { groupFault, patternFault, rangeFault } from "./patterns.ts";
import { duration } from "./values.ts";

const glob = z.string().superRefine((text, context) => {
  const read = parseNameGlob(text);
  if ("reason" in read) {
    context.addIssue(`${JSON.stringify(text)} is no glob of repositories: ${read.reason}`);
  }
});

const pattern = z.string().superRefine((text, context) => {
  const fault = patternFault(text);
  if (fault !== null) context.addIssue(`${JSON.stringify(text)}: ${fault}`);
});

const range = z.string().superRefine((text, context) => {
  const fault = rangeFault(text);
  if (fault !== null) context.addIssue(`${JSON.stringify(text)}: ${fault}`);
});

const group = z.string().superRefine((text, context) => {
  const fault = groupFault(text);
  if (fault !== null) context.addIssue(`${JSON.stringify(text)}: ${fault}`);
});

const size = z.union([z.int().nonnegative(), z.string()]).transform((value, context) => {
  const bytes = typeof value === "number" ? value : parseSize(value);
  if (bytes !== null) return bytes;
  context.addIssue(`${JSON.stringify(value)} is not a size, such as 500MB, 20GiB or 1073741824`);
  return z.NEVER;
});

const share = z.string().regex(/^(?:100|\d{1,2})(?:\.\d+)?%$/, {
  error: "must be a share such as 30%, or a number",
});

/** `30%`, `500`, or both as a list: the smaller one counts. */
const most = z
  .union([share, z.int().positive(), z.array(z.union([share, z.int().positive()])).min(1)])
  .transform((value) => {
    const all = Array.isArray(value) ? value : [value];
    const counts = all.filter((one) => typeof one === "number");
    const shares = all
      .filter((one) => typeof one === "string")
      .map((text) => Number.parseFloat(text) / 100);
    return {
      ...(shares.length > 0 && { share: Math.min(...shares) }),
      ...(counts.length > 0 && { count: Math.min(...counts) }),
    };
  });

/** Whether anything but these keys is said. */
function hasCondition(
  rule: Readonly<Record<string, unknown>>,
  besides: readonly string[],
): boolean {
  return Object.entries(rule).some(([key, value]) => value !== undefined && !besides.includes(key));
}

const conditions = {
  tags: z
    .array(pattern)
    .min(1)
    .optional()
    .describe("globs of tags, or regular expressions between slashes; one must match"),
  except: z.array(pattern).min(1).optional().describe("the same, of which none may match"),
  semver: range
    .optional()
    .describe(
      "a range of versions, such as `>=1.0.0 <3`; with and without `v`; only versions match",
    ),
  version: z.boolean().optional().describe("whether the tag is a version at all"),
};

const CLOCKS = ["pushed", "created", "pulled"] as const;
const ORDERS = ["semver", "natural", "pushed", "created", "pulled"] as const;

const deleteRule = z
  .strictObject({
    ...conditions,
    untagged: z
      .literal(true)
      .optional()
      .describe("manifests that no tag, index or subject keeps, instead of tags"),
    olderThan: duration.optional().describe("only what is older than this"),
    clock: z
      .enum(CLOCKS)
      .prefault("pushed")
      .describe(
        "by which time: of the tag's push, of the image's build as it says, of the last pull",
      ),
  })
  .refine((rule) => hasCondition(rule, ["clock"]), {
    error: 'it has no condition; tags: ["*"] is everything',
  })
  .refine(
    ({ untagged, tags, except, semver, version }) =>
      untagged !== true || [tags, except, semver, version].every((value) => value === undefined),
    { error: "untagged manifests have no tags: it goes with olderThan and clock only" },
  );

const keepRule = z
  .strictObject({
    ...conditions,
    newest: z
      .int()
      .positive()
      .optional()
      .describe("of the tags that the other conditions select, so many in each group"),
    orderBy: z
      .enum(ORDERS)
      .optional()
      .describe("what is newest; unset: `semver` with a condition on versions, else `pushed`"),
    groupBy: group
      .optional()
      .describe("`major`, `minor`, or a regular expression whose named groups make the group"),
    of: z
      .enum(["selected", "doomed"])
      .prefault("selected")
      .describe("`doomed`: `newest` counts only what would be deleted otherwise"),
    tagsAtMost: z
      .int()
      .positive()
      .optional()
      .describe("only in a repository that has no more tags than this"),
    pulledWithin: duration.optional().describe("pulled in this time"),
    pushedWithin: duration.optional().describe("pushed in this time"),
    createdWithin: duration.optional().describe("built in this time, as the image says"),
    inUse: z
      .array(
        z.string().regex(/^(?:file:.+|command:.+|manifests:.+|kubernetes(?::.+)?)$/, {
          error: "must be file:PATH, command:…, manifests:FOLDER, kubernetes or kubernetes:FILE",
        }),
      )
      .min(1)
      .optional()
      .describe("images that somebody runs, as these sources list them"),
  })
  .refine((rule) => hasCondition(rule, ["of"]), {
    error: 'it has no condition; tags: ["*"] keeps everything',
  })
  .refine(
    ({ newest, orderBy, groupBy, of }) =>
      newest !== undefined || (orderBy === undefined && groupBy === undefined && of === "selected"),
    { error: "orderBy, groupBy and of need newest" },
  );

const policy = z
  .strictObject({
    name: z.string().min(1).describe("names the policy in plans and reports"),
    repositories: z
      .array(glob)
      .min(1)
      .describe("globs of repository names: `*` within a part, `**` across parts"),
    delete: z.array(deleteRule).prefault([]).describe("what may go: one rule is enough"),
    keep: z.array(keepRule).prefault([]).describe("what stays, whatever the delete rules say"),
    budget: z
      .strictObject({
        size: size.describe("such as 20GiB"),
        per: z
          .enum(["repository", "policy"])
          .prefault("repository")
          .describe("each repository by itself, or all of the policy together"),
        oldest: z.enum(["pushed", "pulled"]).prefault("pushed").describe("what goes first"),
      })
      .optional()
      .describe("what no keep rule keeps goes, the oldest first, until the rest fits"),
    limits: z
      .strictObject({
        maxDelete: most
          .optional()
          .describe(
            "a run that would delete more of the policy's tags than this share, or number, does nothing",
          ),
        emptyRepositories: z
          .boolean()
          .prefault(false)
          .describe("whether a repository may lose all of its tags"),
      })
      .prefault({}),
  })
  .refine(({ delete: rules, budget }) => rules.length > 0 || budget !== undefined, {
    error: "it deletes nothing: it has neither delete rules nor a budget",
  });

/** What shall be kept and what may go. The first policy whose globs match a repository applies. */
export const retention = z
  .array(policy)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
    error: "two policies have the same name",
  });
