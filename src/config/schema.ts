import { z } from "zod";
import { LOG_FORMATS, LOG_LEVELS } from "../observe/log.ts";

const LISTEN = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]*)):(\d{1,5})$/;

/** `HOST:PORT`, `[IPv6]:PORT`, or `:PORT` for every address. */
const listen = z.string().transform((text, context) => {
  const [, ipv6, host, digits] = LISTEN.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) {
    context.addIssue(`${JSON.stringify(text)} is not HOST:PORT, such as 127.0.0.1:5000`);
    return z.NEVER;
  }
  return { hostname: ipv6 ?? (host || "0.0.0.0"), port };
});

/** Paths are put behind it, and clients see it. */
const publicUrl = z
  .url({ protocol: /^https?$/, error: "must be an http or https URL" })
  .refine((url) => !/[?#]|\/\/[^/]*@/.test(url), {
    error: "must end with a host or a path, and have no password",
  })
  .transform((url) => url.replace(/\/+$/, ""));

/**
 * Everything that can be set, with its default. Keys that are not here are errors: a setting that is
 * spelled wrongly must not be silently off.
 */
export const schema = z.strictObject({
  /** Where the registry listens. */
  listen: listen.default({ hostname: "127.0.0.1", port: 5000 }),
  /** The folder with the tree (`docker/registry/v2`) and our own files (`wharfinger`). */
  data: z.string().min(1).default("./data"),
  /** `none`: anybody who reaches the address may read, write and delete. Unset, only on loopback. */
  auth: z.literal("none").optional(),
  /** The URL that clients use, when a proxy stands in between. Unset, Location headers are relative. */
  publicUrl: publicUrl.optional(),
  /** Whether tags, manifests and blobs can be deleted through the API. */
  delete: z.boolean().default(true),
  /** Take manifests although parts of them are missing: for mirrors that hold one platform of many. */
  sparse: z.boolean().default(false),
  log: z
    .strictObject({
      level: z.enum(LOG_LEVELS).default("info"),
      /** `auto`: pretty on a terminal, JSON lines elsewhere. */
      format: z.enum(LOG_FORMATS).default("auto"),
    })
    .prefault({}),
});

export type Config = Readonly<z.output<typeof schema>>;
