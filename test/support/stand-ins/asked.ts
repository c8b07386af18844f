import type { Content } from "./content.ts";
import type { DifferenceName } from "./differences.ts";

/** One request to a stand-in. */
export interface Asked {
  readonly method: string;
  /** As it was sent: percent signs are still in it. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** `http://HOST:PORT`, as the client has it. */
  readonly origin: string;
}

/** What all parts of a stand-in know. */
export interface Place {
  readonly content: Content;
  /** Whether the registry has this difference. */
  is(name: DifferenceName): boolean;
}

export function error(status: number, code: string, message = "", headers = {}): Response {
  return Response.json({ errors: [{ code, message }] }, { status, headers });
}

/** The page of a web server. */
export function page(status: number, title: string): Response {
  return new Response(`<html><head><title>${title}</title></head><body>${title}</body></html>`, {
    status,
    headers: { "content-type": "text/html; charset=utf-8" },
  });
}

export function plain(status: number, text: string): Response {
  return new Response(`${text}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
}
