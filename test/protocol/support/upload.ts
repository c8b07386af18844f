import { locationOf, withDigest } from "../../support/push.ts";
import { startUpload } from "./content.ts";
import { ask, type Answer, type Asked } from "./http.ts";
import type { TestRegistry } from "./registry.ts";

/** An upload as its client sees it: the URL of the last answer, and what to send there. */
export interface Upload {
  /** Where the next request goes; follows the Location of each answer. */
  readonly url: string;
  /** Path and query of `url`. */
  readonly target: string;
  /** With Content-Range unless `from` is null. */
  patch(
    bytes: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
    from?: number | null,
    headers?: Asked["headers"],
  ): Promise<Answer>;
  status(): Promise<Answer>;
  put(digest: string, asked?: Asked): Promise<Answer>;
  cancel(): Promise<Answer>;
  /** Points at the same upload on a server that was started anew. */
  moveTo(base: string): void;
}

export async function openUpload(
  registry: TestRegistry,
  name: string,
  query = "",
): Promise<Upload> {
  let url = await startUpload(registry.url, name, query);
  const send = async (method: string, to: string, asked?: Asked): Promise<Answer> => {
    const got = await ask(method, to, asked);
    if (got.status < 300 && got.status !== 201 && got.headers.has("location"))
      url = locationOf(got, url);
    return got;
  };
  return {
    get url() {
      return url;
    },
    get target() {
      const { pathname, search } = new URL(url);
      return pathname + search;
    },
    patch: (bytes, from = null, headers = {}) =>
      send("PATCH", url, {
        headers: {
          ...(from !== null &&
            bytes instanceof Uint8Array && {
              "content-range": `${from}-${from + bytes.length - 1}`,
            }),
          ...headers,
        },
        body: bytes,
      }),
    status: () => send("GET", url),
    put: (digest, asked) => send("PUT", withDigest(url, digest), asked),
    cancel: () => send("DELETE", url),
    moveTo: (base) => void (url = new URL(new URL(url).pathname, base).href),
  };
}
