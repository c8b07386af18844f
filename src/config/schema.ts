import { z } from "zod";
import { ACCESS_FORMATS } from "../observe/access-log.ts";
import { LOG_FORMATS, LOG_LEVELS } from "../observe/log.ts";
import { auth } from "./schema-auth.ts";
import { gc, trash } from "./schema-gc.ts";
import { keep, pulls } from "./schema-keep.ts";
import { limits } from "./schema-limits.ts";
import { notifications } from "./schema-notifications.ts";
import { prune, registries } from "./schema-registries.ts";
import { retention } from "./schema-retention.ts";
import { duration, file, headers, listen, prefix, publicUrl } from "./values.ts";

const tls = z.strictObject({
  certificate: file.describe("PEM: the server's certificate, then those between it and the root"),
  key: file.describe("PEM: its key"),
  clientCAs: z
    .array(file)
    .min(1)
    .optional()
    .describe("PEM: clients must show a certificate that one of these has signed"),
  minimum: z.enum(["1.2", "1.3"]).prefault("1.2").describe("the oldest version of TLS to speak"),
});

const log = z.strictObject({
  level: z
    .enum(LOG_LEVELS)
    .prefault("info")
    .describe("`debug` has every request, `info` changes and refusals"),
  format: z
    .enum(LOG_FORMATS)
    .prefault("auto")
    .describe(
      "`auto`: pretty on a terminal, JSON lines elsewhere; `dated`: `2026-01-31 23:59:59 [INFO] message`",
    ),
  access: z
    .enum(["none", ...ACCESS_FORMATS])
    .prefault("none")
    .describe("a line for every request, on standard output"),
  fields: z
    .record(z.string().min(1), z.string())
    .prefault({})
    .describe("names and values that stand in every line, such as the name of this registry"),
});

const addressOrNetwork = z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()], {
  error: "must be an address or a network, such as 10.0.0.0/8",
});

/**
 * Everything that can be set, with its default. Keys that are not here are errors: a setting that is
 * spelled wrongly must not be silently off. The descriptions become `docs/configuration.md` and the JSON
 * Schema for editors (`npm run docs`).
 */
const settings = z.strictObject({
  listen: listen
    .prefault("127.0.0.1:5000")
    .describe(
      "where the registry listens: `HOST:PORT`, `[IPv6]:PORT`, or `:PORT` for every address",
    ),
  data: file
    .prefault("./data")
    .describe(
      "the folder with the tree (`docker/registry/v2`) and our own files (`wharfinger`); created when it is not there",
    ),
  auth: auth
    .optional()
    .describe(
      "`none`: anybody who reaches the address may read, write and delete. Unset: the same, on loopback only",
    ),
  tls: tls.optional().describe("certificates are read again when their files change"),
  prefix: prefix
    .optional()
    .describe("the path below which the API is served, for a proxy that does not take it away"),
  publicUrl: publicUrl
    .optional()
    .describe(
      "the URL that clients use, when a proxy stands in between. Unset: Location headers are relative, which every client understands",
    ),
  trustedProxies: z
    .array(addressOrNetwork)
    .prefault([])
    .describe(
      "addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed",
    ),
  headers: headers.prefault({}).describe("headers on every answer: name to values"),
  drain: duration
    .optional()
    .describe(
      "after this long a stop cuts off the transfers under way. Unset: they end however long they take",
    ),
  delete: z
    .boolean()
    .prefault(true)
    .describe("whether tags, manifests and blobs can be deleted through the API"),
  readOnly: z
    .boolean()
    .prefault(false)
    .describe("pulls only: whatever would change something is refused"),
  sparse: z
    .boolean()
    .prefault(false)
    .describe(
      "take manifests although parts of them are missing: for mirrors that hold one platform of many",
    ),
  debug: z
    .strictObject({ listen: listen.describe("where it listens, as above") })
    .optional()
    .describe("a second listener, without authentication, for metrics and health"),
  notifications: notifications.prefault({}),
  limits: limits.prefault({}),
  gc: gc.prefault({}),
  trash: trash.prefault({}),
  retention: retention
    .prefault([])
    .describe(
      "what may go and what stays; the first policy whose globs match a repository applies",
    ),
  prune: prune.optional(),
  pulls: pulls.prefault({}),
  registries: registries
    .prefault([])
    .describe("registries elsewhere that `wharf keep` looks after"),
  keep: keep.prefault({}),
  log: log.prefault({}),
});

/** The same, with what holds between settings that stand far from each other. */
export const schema = settings.superRefine(({ registries: all, retention: policies }, context) => {
  const known = new Set(policies.map(({ name }) => name));
  for (const [index, { policies: named = [] }] of all.entries()) {
    for (const [place, name] of named.entries()) {
      if (known.has(name)) continue;
      const path = ["registries", index, "policies", place];
      const message = `retention has no policy ${JSON.stringify(name)}`;
      context.addIssue({ code: "custom", path, message });
    }
  }
});

export type Config = Readonly<z.output<typeof schema>>;
