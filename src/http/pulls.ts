import { randomUUID } from "node:crypto";
import type { PullSink } from "../notify/outbox.ts";
import type { Observer } from "./observer.ts";
import { whoSent } from "./who.ts";

const KINDS: Readonly<Record<string, "manifest" | "blob">> = {
  "/v2/{name}/manifests/{reference}": "manifest",
  "/v2/{name}/blobs/{digest}": "blob",
};

/**
 * Notices pulls: manifests and blobs that were found, by GET and by HEAD, as registry:2 counts them.
 * Not noticed is a 304: nothing was taken.
 */
export function pullObserver(sink: PullSink, now: () => number): Observer {
  return {
    answered(visit, response) {
      const { route, status, path, caller } = visit;
      if (route?.permission !== "pull" || (status !== 200 && status !== 206)) return;
      const kind = KINDS[route.pattern];
      if (kind === undefined) return;
      // Inside, because the first look at headers costs as much as all the rest.
      sink.offer(() => ({
        id: randomUUID(),
        kind,
        path,
        digest: response.headers.get("docker-content-digest") ?? "",
        mediaType: response.headers.get("content-type"),
        size: sizeOf(response.headers),
        by: whoSent(visit, caller?.name ?? null, now()),
      }));
    },
  };
}

/** Of the whole, also where a part of it was sent. */
function sizeOf(headers: Headers): number | null {
  const length = headers.get("content-range")?.split("/")[1] ?? headers.get("content-length");
  return length === null ? null : Number(length);
}
