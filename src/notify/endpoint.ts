import { createHmac } from "node:crypto";
import type { Config } from "../config/schema.ts";
import type { Happening } from "../metadata/event.ts";
import { EVENTS_MEDIA_TYPE } from "./format.ts";

export type EndpointConfig = Config["notifications"]["endpoints"][number];

/** Where events go, ready to be sent there. What is secret in it is in no other place. */
export interface Endpoint {
  readonly name: string;
  readonly config: EndpointConfig;
  /** Without user and password. */
  readonly url: string;
  /** The headers of one delivery. */
  headers(body: string): Headers;
}

export function endpointOf(config: EndpointConfig): Endpoint {
  const url = new URL(config.url);
  const fixed = new Headers({ "content-type": EVENTS_MEDIA_TYPE, "user-agent": "wharfinger" });
  if (url.username || url.password) {
    const pair = `${decoded(url.username)}:${decoded(url.password)}`;
    fixed.set("authorization", `Basic ${Buffer.from(pair).toString("base64")}`);
  }
  url.username = "";
  url.password = "";
  for (const [header, values] of Object.entries(config.headers)) {
    // What is configured replaces what would have been sent.
    fixed.delete(header);
    for (const value of values) fixed.append(header, value);
  }
  return {
    name: config.name,
    config,
    url: url.href,
    headers(body) {
      const { secret } = config;
      if (secret === undefined) return fixed;
      const headers = new Headers(fixed);
      const signature = createHmac("sha256", secret).update(body).digest("hex");
      headers.set("x-hub-signature-256", `sha256=${signature}`);
      return headers;
    },
  };
}

/** A percent sign that begins no escape stands for itself. */
function decoded(text: string): string {
  return decodeURIComponent(text.replaceAll(/%(?![0-9a-f]{2})/gi, "%25"));
}

type Wanted = Pick<Happening, "action" | "mediaType">;

/**
 * Whether an endpoint wants to hear of something. What is deleted has no media type, so no ignored media
 * type keeps it away. Pure.
 */
export function wants({ ignore }: EndpointConfig, { action, mediaType }: Wanted): boolean {
  if (ignore.actions.includes(action)) return false;
  return mediaType === null || !ignore.mediaTypes.includes(mediaType);
}
