import { z } from "zod";
import { parseNameGlob } from "../oci/name-glob.ts";
import { duration, file } from "./values.ts";

/** What a rule can allow. `administer`: what concerns the registry as a whole, such as metrics and checks. */
export const ACTIONS = ["pull", "push", "delete", "administer"] as const;

/** `*` within a part of a repository's name, `**` across parts. */
const glob = z.string().superRefine((text, context) => {
  const read = parseNameGlob(text);
  if ("reason" in read) {
    context.addIssue(`${JSON.stringify(text)} is no glob of repositories: ${read.reason}`);
  }
});
const name = z.string().min(1);

/** Whoever one rule names may do what it allows; the rights of all rules add up. */
const rule = z
  .strictObject({
    repositories: z
      .array(glob)
      .min(1)
      .describe("globs of repository names: `*` within a part, `**` across parts"),
    users: z
      .array(name)
      .prefault([])
      .describe("names of users; `*` is everybody with a valid password or token"),
    groups: z.array(name).prefault([]).describe("names of groups"),
    allow: z
      .array(z.enum(ACTIONS))
      .min(1)
      .describe(
        "what they may do; `administer` is what concerns the registry as a whole: metrics and checks",
      ),
  })
  .refine(({ users, groups }) => users.length + groups.length > 0, {
    error: 'it names nobody: say users or groups; users: ["*"] is everybody who can log in',
  });

/** Tokens that this registry issues to clients which log in (`docker login`). */
const issuer = z.strictObject({
  service: z
    .string()
    .min(1)
    .prefault("wharfinger")
    .describe("the audience of its tokens, as clients repeat it"),
  expires: duration
    .refine((milliseconds) => milliseconds >= 60_000, {
      error: "must be at least 60s: clients take any token for valid that long",
    })
    .prefault("5m")
    .describe("how long a token lasts before the client asks for another"),
});

/** A token server elsewhere, as the distribution registry knows it. */
const tokenServer = z.strictObject({
  realm: z
    .url({ protocol: /^https?$/, error: "must be an http or https URL" })
    .describe("the URL where clients get their tokens"),
  service: z.string().min(1).describe("the audience that its tokens must have"),
  issuer: z.string().min(1).describe("the issuer that its tokens must have"),
  rootCertBundle: file.optional().describe("PEM: certificates whose keys may sign tokens"),
  jwks: file.optional().describe("a JSON Web Key Set with keys that may sign tokens"),
  signingAlgorithms: z
    .array(z.string().min(1))
    .optional()
    .describe("the algorithms that may sign tokens"),
});

const settings = z
  .strictObject({
    realm: z
      .string()
      .regex(/^[\x20-\x7e]+$/, "must be printable ASCII: it travels in a header")
      .prefault("Wharfinger")
      .describe("what clients show when they ask for a password"),
    htpasswd: file
      .optional()
      .describe(
        "users and their bcrypt hashes, one a line. Unset: `wharfinger/htpasswd` in the data folder",
      ),
    anonymousPull: z
      .array(glob)
      .prefault([])
      .describe("globs of repositories that may be pulled without a password"),
    groups: z.record(name, z.array(name)).prefault({}).describe("groups for rules: name to users"),
    rules: z
      .array(rule)
      .optional()
      .describe(
        "whoever one rule names may do what it allows; the rights of all add up. Unset: every user may do everything",
      ),
    issuer: issuer.optional().describe("issue tokens to clients that log in"),
    token: tokenServer.optional().describe("send clients to a token server elsewhere"),
  })
  .superRefine(({ groups, rules = [] }, context) => {
    for (const [index, { groups: named }] of rules.entries()) {
      for (const group of named.filter((one) => !Object.hasOwn(groups, one))) {
        const message = `there is no group ${JSON.stringify(group)}`;
        context.addIssue({ code: "custom", message, path: ["rules", index, "groups"] });
      }
    }
  })
  .refine(({ issuer: own, token }) => !own || !token, {
    error: "issuer and token exclude each other: clients are sent to one place only",
  })
  .refine(({ token }) => !token || token.rootCertBundle || token.jwks, {
    error: "token: needs rootCertBundle or jwks, to know whose tokens are genuine",
  })
  .superRefine(({ token, htpasswd, anonymousPull, rules }, context) => {
    if (!token) return;
    const idle = Object.entries({ htpasswd, anonymousPull, rules }).filter(
      ([, value]) => value !== undefined && value.length > 0,
    );
    for (const [key] of idle) {
      context.addIssue({
        code: "custom",
        path: [key],
        message: "counts for nothing beside token: the token server alone says who may do what",
      });
    }
  });

/** Who may do what. */
export const auth = z.union([z.literal("none"), settings], {
  error: "must be none, or settings such as htpasswd",
});

/** `auth`, where it is more than `none`. */
export type AuthSettings = Readonly<z.output<typeof settings>>;
