import { z } from "zod";
import { LOG_FORMATS, LOG_LEVELS } from "../observe/log.ts";
import { auth } from "./schema-auth.ts";
import { limits } from "./schema-limits.ts";
import { notifications } from "./schema-notifications.ts";
import { headerName, headerValue, listen, publicUrl } from "./values.ts";

const file = z.string().min(1);

/** Certificates are read again when their files change. */
const tls = z.strictObject({
  /** PEM: the server's certificate, then those between it and the root. */
  certificate: file,
  key: file,
  /** PEM: clients must show a certificate that one of these has signed. */
  clientCAs: z.array(file).min(1).optional(),
  minimum: z.enum(["1.2", "1.3"]).default("1.2"),
});

/**
 * Everything that can be set, with its default. Keys that are not here are errors: a setting that is
 * spelled wrongly must not be silently off.
 */
export const schema = z.strictObject({
  /** Where the registry listens. */
  listen: listen.default({ hostname: "127.0.0.1", port: 5000 }),
  /** The folder with the tree (`docker/registry/v2`) and our own files (`wharfinger`). */
  data: file.default("./data"),
  /** `none`: anybody who reaches the address may read, write and delete. Unset, only on loopback. */
  auth: auth.optional(),
  tls: tls.optional(),
  /** The URL that clients use, when a proxy stands in between. Unset, Location headers are relative. */
  publicUrl: publicUrl.optional(),
  /** Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. */
  trustedProxies: z.array(z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()])).default([]),
  /** Headers on every answer. */
  headers: z.record(headerName, z.array(headerValue)).default({}),
  /** Whether tags, manifests and blobs can be deleted through the API. */
  delete: z.boolean().default(true),
  /** Pulls only: whatever would change something is refused. */
  readOnly: z.boolean().default(false),
  /** Take manifests although parts of them are missing: for mirrors that hold one platform of many. */
  sparse: z.boolean().default(false),
  /** A second listener, without authentication, for metrics and health. */
  debug: z.strictObject({ listen }).optional(),
  notifications: notifications.prefault({}),
  limits: limits.prefault({}),
  log: z
    .strictObject({
      level: z.enum(LOG_LEVELS).default("info"),
      /** `auto`: pretty on a terminal, JSON lines elsewhere. */
      format: z.enum(LOG_FORMATS).default("auto"),
      /** A line for every request, on standard output. */
      access: z.enum(["none", "combined", "json"]).default("none"),
    })
    .prefault({}),
});

export type Config = Readonly<z.output<typeof schema>>;
