import { networkInterfaces } from "node:os";
import { z } from "zod";
import { parseDuration } from "./duration.ts";

/** The path of a file or a folder. */
export const file = z.string().min(1);

const LISTEN = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s[\]]*)):(\d{1,5})$/;

/** Every address of this machine. Where there is IPv6 at all, `::` takes IPv4 as well; elsewhere it is no address. */
export const EVERY_ADDRESS = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .some(({ family }) => family === "IPv6")
  ? "::"
  : "0.0.0.0";

/** `HOST:PORT`, `[IPv6]:PORT`, or `:PORT` for every address. */
export const listen = z.string().transform((text, context) => {
  const [, ipv6, host, digits] = LISTEN.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) {
    context.addIssue(`${JSON.stringify(text)} is not HOST:PORT, such as 127.0.0.1:5000`);
    return z.NEVER;
  }
  return { hostname: ipv6 ?? (host || EVERY_ADDRESS), port };
});

/** Paths are put behind it, and clients see it. */
export const publicUrl = z
  .url({ protocol: /^https?$/, error: "must be an http or https URL" })
  .refine((url) => !/[?#]|\/\/[^/]*@/.test(url), {
    error: "must end with a host or a path, and have no password",
  })
  .transform((url) => url.replace(/\/+$/, ""));

/** @see RFC 9110, sections 5.1 and 5.5. Others would end the header, and what follows would be a client's. */
const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "is not the name of a header");
const headerValue = z
  .string()
  .regex(/^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/, {
    error: "is not the value of a header: control characters, or spaces at an end",
  });

export const headers = z.record(headerName, z.array(headerValue));

/** A duration in words, as milliseconds. */
export const duration = z.string().transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds !== null) return milliseconds;
  context.addIssue(`${JSON.stringify(text)} is not a duration, such as 30s, 15m, 12h or 90d`);
  return z.NEVER;
});

/** A path without dots and doubled slashes, as `/path`: requests are compared with it as they come. */
export const prefix = z
  .string()
  .transform((text) => text.replace(/\/+$/, ""))
  .refine((text) => /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/.test(text), {
    error: "must be a path, such as /registry",
  });
