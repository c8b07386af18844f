import { z } from "zod";
import { parseNameGlob } from "../oci/name-glob.ts";
import { duration } from "./values.ts";

/** What a rule can allow. `administer`: users, tokens, metrics, and all that is neither pull nor push. */
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
    /** Globs of repository names: `*` within a part, `**` across parts. */
    repositories: z.array(glob).min(1),
    /** Names of users; `*` is everybody with a valid password or token. */
    users: z.array(name).default([]),
    groups: z.array(name).default([]),
    allow: z.array(z.enum(ACTIONS)).min(1),
  })
  .refine(({ users, groups }) => users.length + groups.length > 0, {
    error: 'it names nobody: say users or groups; users: ["*"] is everybody who can log in',
  });

/** Tokens that this registry issues to clients which log in (`docker login`). */
const issuer = z.strictObject({
  /** The audience of its tokens, as clients repeat it. */
  service: z.string().min(1).default("wharfinger"),
  /** How long a token lasts before the client asks for another. */
  expires: duration.default(300_000),
});

/** A token server elsewhere, as the distribution registry knows it. */
const tokenServer = z.strictObject({
  /** Where clients get their tokens. */
  realm: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }),
  service: z.string().min(1),
  issuer: z.string().min(1),
  /** PEM certificates whose keys may sign tokens. */
  rootCertBundle: z.string().min(1).optional(),
  /** A JSON Web Key Set with keys that may sign tokens. */
  jwks: z.string().min(1).optional(),
  signingAlgorithms: z.array(z.string().min(1)).optional(),
});

/** Who may do what. */
export const auth = z.union([
  z.literal("none"),
  z
    .strictObject({
      /** What clients show when they ask for a password. */
      realm: z
        .string()
        .regex(/^[\x20-\x7e]+$/, "must be printable ASCII: it travels in a header")
        .default("Wharfinger"),
      /** Users and their bcrypt hashes, one a line. Unset: `wharfinger/htpasswd` in the data folder. */
      htpasswd: z.string().min(1).optional(),
      /** Globs of repositories that may be pulled without a password. */
      anonymousPull: z.array(glob).default([]),
      /** Groups for rules: name to users. */
      groups: z.record(name, z.array(name)).default({}),
      /** Unset: every user may do everything. */
      rules: z.array(rule).optional(),
      issuer: issuer.optional(),
      token: tokenServer.optional(),
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
    }),
]);
