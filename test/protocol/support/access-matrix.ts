import { image } from "../../support/image.ts";
import { digest as digestOf, octets, unknownDigest } from "./content.ts";
import type { Asked } from "./http.ts";
import type { Seed } from "./access.ts";

/** A request for something in a repository. */
export interface MatrixRequest {
  readonly method: string;
  readonly path: string;
  readonly asked?: Asked;
}

export type Need =
  | "nothing"
  | "login"
  | "known"
  | "pull"
  | "push"
  | "delete"
  | "catalog"
  | "administer";

/**
 * What one route needs, and what it answers: said once more, and independently of the program.
 * `there`, `absent`: status, with the code of the error if it is one, for a caller who may do it.
 */
export interface MatrixEntry {
  /** As in the table of routes. */
  readonly route: string;
  readonly needs: Need;
  request(name: string, seed: Seed): MatrixRequest;
  readonly there: string;
  readonly absent: string;
}

/** What stands in for a repository that has nothing: well-formed, and nowhere. */
export const NOTHING: Seed = {
  manifest: unknownDigest,
  tag: "v1",
  layer: unknownDigest,
  spare: unknownDigest,
  upload: "/blobs/uploads/0123456789abcdef0123456789abcdef",
};

const bytes = new TextEncoder().encode("hello");
const empty = image({ artifactType: "application/x-test", layers: 0 });

function entry(
  method: string,
  pattern: string,
  needs: Need,
  there: string,
  absent: string,
  path: (seed: Seed) => string,
  asked: Asked = {},
): MatrixEntry {
  const request = (name: string, seed: Seed): MatrixRequest => {
    const [front = ""] = pattern.split("{name}");
    return { method, path: front + name + path(seed), asked };
  };
  return { route: `${method} ${pattern}`, needs, request, there, absent };
}

function fixed(method: string, path: string, needs: Need, answer = "200"): MatrixEntry {
  const request = (): MatrixRequest => ({ method, path });
  return { route: `${method} ${path}`, needs, request, there: answer, absent: answer };
}

const upload = ({ upload: path }: Seed): string => path.slice(path.indexOf("/blobs/uploads/"));
const manifests = "/v2/{name}/manifests/{reference}";
const blobs = "/v2/{name}/blobs/{digest}";
const uploads = "/v2/{name}/blobs/uploads/";
const session = "/v2/{name}/blobs/uploads/{id}";
const noManifest = "404 NAME_UNKNOWN";
const noBlob = "404 BLOB_UNKNOWN";
const noUpload = "404 BLOB_UPLOAD_UNKNOWN";
const byTag = ({ tag }: Seed): string => `/manifests/${tag}`;

export const MATRIX: readonly MatrixEntry[] = [
  entry("GET", manifests, "pull", "200", noManifest, byTag),
  entry("GET", manifests, "pull", "200", noManifest, ({ manifest }) => `/manifests/${manifest}`),
  entry("HEAD", manifests, "pull", "200", "404", byTag),
  entry("HEAD", manifests, "pull", "200", "404", ({ manifest }) => `/manifests/${manifest}`),
  entry("PUT", manifests, "push", "400 MANIFEST_BLOB_UNKNOWN", "400 MANIFEST_BLOB_UNKNOWN", byTag, {
    headers: { "content-type": empty.mediaType },
    body: empty.bytes,
  }),
  entry("DELETE", manifests, "delete", "202", noManifest, byTag),
  entry("DELETE", manifests, "delete", "202", noManifest, (it) => `/manifests/${it.manifest}`),
  entry("GET", blobs, "pull", "200", noBlob, ({ layer }) => `/blobs/${layer}`),
  entry("HEAD", blobs, "pull", "200", "404", ({ layer }) => `/blobs/${layer}`),
  entry("DELETE", blobs, "delete", "202", noBlob, ({ spare }) => `/blobs/${spare}`),
  entry("POST", uploads, "push", "202", "202", () => "/blobs/uploads/"),
  entry("POST", uploads, "push", "201", "201", () => `/blobs/uploads/?digest=${digestOf(bytes)}`, {
    headers: { "content-type": octets },
    body: bytes,
  }),
  // Of an upload that somebody else has begun, whatever one may.
  entry("GET", session, "push", noUpload, noUpload, upload),
  entry("PATCH", session, "push", noUpload, noUpload, upload, { body: bytes }),
  entry(
    "PUT",
    session,
    "push",
    noUpload,
    noUpload,
    (seed) => `${upload(seed)}?digest=${digestOf(bytes)}`,
    {
      body: bytes,
    },
  ),
  entry("DELETE", session, "push", noUpload, noUpload, upload),
  entry("GET", "/v2/{name}/tags/list", "pull", "200", "404 NAME_UNKNOWN", () => "/tags/list"),
  entry(
    "GET",
    "/v2/{name}/referrers/{digest}",
    "pull",
    "200",
    "200",
    (it) => `/referrers/${it.manifest}`,
  ),
  entry("GET", "/api/v1/tags/{name}", "pull", "200", "404 NAME_UNKNOWN", () => ""),
  entry(
    "GET",
    "/api/v1/manifests/{name}/{reference}",
    "pull",
    "200",
    noManifest,
    ({ tag }) => `/${tag}`,
  ),
  fixed("GET", "/v2/_catalog", "catalog"),
  fixed("GET", "/v2/", "known"),
  fixed("HEAD", "/v2/", "known"),
  // Where no tokens are issued, there is nobody to ask for one.
  fixed("GET", "/token", "login", "404 UNSUPPORTED"),
  fixed("POST", "/token", "nothing", "404 UNSUPPORTED"),
  // Without a mistake in it, it would read all that is stored.
  {
    ...fixed("GET", "/api/v1/check", "administer"),
    request: () => ({ method: "GET", path: "/api/v1/check?verifyBytes=a&verifyBytes=b" }),
    there: "400 UNSUPPORTED",
    absent: "400 UNSUPPORTED",
  },
  {
    ...fixed("POST", "/api/v1/check/repair", "administer", "400 UNSUPPORTED"),
    // A repair of everything for each caller would be slow.
    request: () => ({
      method: "POST",
      path: "/api/v1/check/repair",
      asked: { body: '{"unknown":true}' },
    }),
  },
  fixed("GET", "/api/v1/du", "administer"),
  fixed("GET", "/api/v1/gc", "administer"),
  // It begins when the registry is an hour old.
  fixed("POST", "/api/v1/gc", "administer", "202"),
  fixed("GET", "/api/v1/gc/plan", "administer"),
  {
    ...fixed("GET", "/api/v1/inventory", "administer", "400 UNSUPPORTED"),
    request: () => ({ method: "GET", path: "/api/v1/inventory?created=perhaps" }),
  },
  fixed("GET", "/api/v1/retention", "administer"),
  // Here is nothing that prunes.
  fixed("GET", "/api/v1/prune", "administer", "503 UNAVAILABLE"),
  fixed("POST", "/api/v1/prune", "administer", "503 UNAVAILABLE"),
  // The trash as a whole, and nothing that the others of this table have removed.
  {
    ...fixed("GET", "/api/v1/trash", "administer", "200"),
    request: () => ({ method: "GET", path: "/api/v1/trash?n=0" }),
  },
  fixed("POST", "/api/v1/trash/restore", "administer", "400 UNSUPPORTED"),
  fixed("DELETE", "/api/v1/trash", "administer", "400 UNSUPPORTED"),
  fixed("GET", "/metrics", "administer"),
  ...["/", "/livez", "/readyz", "/startupz"].flatMap((path) => [
    fixed("GET", path, "nothing"),
    fixed("HEAD", path, "nothing"),
  ]),
];

/** What somebody may do in a repository; to administer, in all of them. */
export type Rights = readonly ("pull" | "push" | "delete" | "administer")[];

/**
 * What a request is answered with. This is the policy, in as few words as it has:
 * wrong credentials and missing ones are 401, whatever is asked; who may do it gets the answer; who may
 * not push is told so; who may pull, and not delete, is told so; for everybody else nothing is there.
 */
export function expected(
  { needs, there, absent }: MatrixEntry,
  rights: Rights,
  caller: "user" | "nobody" | "wrong",
  exists: boolean,
): string {
  const answer = exists ? there : absent;
  if (needs === "nothing") return answer;
  if (caller === "wrong") return "401 UNAUTHORIZED";
  if (needs === "login") return answer;
  if (needs === "known" || needs === "catalog") {
    return caller === "user" ? answer : "401 UNAUTHORIZED";
  }
  if (rights.includes(needs)) return answer;
  if (caller === "nobody") return "401 UNAUTHORIZED";
  if (needs === "push" || needs === "administer") return "403 DENIED";
  return needs === "delete" && rights.includes("pull") ? "403 DENIED" : absent;
}
