import type { ErrorEntry } from "./error-entry.ts";
import { WORK_ERRORS } from "./error-table-work.ts";

/** What a request to the registry can be answered with. */
const REQUEST_ERRORS = {
  BLOB_UNKNOWN: {
    code: "BLOB_UNKNOWN",
    status: 404,
    exit: 1,
    message: "blob unknown to this repository",
    remedy: "push the blob first, or check the repository name and the digest",
  },
  BLOB_DAMAGED: {
    code: "UNKNOWN",
    status: 500,
    exit: 6,
    message: "the stored blob is missing or has another size than recorded",
    remedy: "push the blob again (that replaces it) or restore it from a backup",
  },
  UPLOAD_UNKNOWN: {
    code: "BLOB_UPLOAD_UNKNOWN",
    status: 404,
    exit: 1,
    message: "no such upload in this repository",
    remedy: "start a new upload with POST; finished, cancelled and expired uploads are forgotten",
  },
  UPLOAD_INVALID: {
    code: "BLOB_UPLOAD_INVALID",
    status: 400,
    exit: 1,
    message: "blob upload invalid",
    remedy: "start another upload with POST",
  },
  UPLOAD_BUSY: {
    code: "BLOB_UPLOAD_INVALID",
    status: 409,
    exit: 1,
    message: "another request is writing to this upload",
    remedy: "send one request at a time to an upload, or start another one",
  },
  UPLOAD_OUT_OF_ORDER: {
    code: "BLOB_UPLOAD_INVALID",
    status: 416,
    exit: 1,
    message: "the chunk does not begin where the upload ends",
    remedy: "continue from the offset in the Range header of this answer",
  },
  DIGEST_INVALID: {
    code: "DIGEST_INVALID",
    status: 400,
    exit: 2,
    message: "the digest is invalid or is not that of the content",
    remedy: "use sha256:<64 hex digits> or sha512:<128 hex digits>, of exactly the bytes sent",
  },
  MANIFEST_BLOB_UNKNOWN: {
    code: "MANIFEST_BLOB_UNKNOWN",
    status: 400,
    exit: 1,
    message: "the manifest names content that is not in this repository",
    remedy: "push or mount the missing blobs and manifests into this repository first",
  },
  MANIFEST_INVALID: {
    code: "MANIFEST_INVALID",
    status: 400,
    exit: 1,
    message: "manifest invalid",
    remedy: "see the reason; nothing was stored",
  },
  MANIFEST_TOO_LARGE: {
    code: "MANIFEST_INVALID",
    status: 413,
    exit: 1,
    message: "the manifest is larger than this registry accepts",
    remedy: "keep large data in blobs; the limit is 8 MiB",
  },
  MANIFEST_UNKNOWN: {
    code: "MANIFEST_UNKNOWN",
    status: 404,
    exit: 1,
    message: "manifest unknown to this repository",
    remedy: "check the repository name and the tag or digest; `wharf list REPO` shows its tags",
  },
  NAME_INVALID: {
    code: "NAME_INVALID",
    status: 400,
    exit: 2,
    message: "invalid repository name",
    remedy: "use lower-case letters, digits, and single . _ __ or - between them, / between parts",
  },
  NAME_UNKNOWN: {
    code: "NAME_UNKNOWN",
    status: 404,
    exit: 1,
    message: "repository unknown to this registry",
    remedy: "check the name; `wharf list` shows the repositories",
  },
  TAG_INVALID: {
    code: "MANIFEST_INVALID",
    status: 400,
    exit: 2,
    message: "invalid tag",
    remedy: "use at most 128 letters, digits, _ . and -, not beginning with . or -",
  },
  SIZE_INVALID: {
    code: "SIZE_INVALID",
    status: 400,
    exit: 1,
    message: "the length does not match the content",
    remedy: "send exactly as many bytes as Content-Length and Content-Range announce",
  },
  RANGE_UNSATISFIABLE: {
    code: "SIZE_INVALID",
    status: 416,
    exit: 1,
    message: "the range lies outside of the blob",
    remedy: "ask for bytes below the size in the Content-Range header of this answer",
  },
  PARAMETER_INVALID: {
    code: "UNSUPPORTED",
    status: 400,
    exit: 2,
    message: "invalid query parameter",
    remedy: "see the reason",
  },
  STILL_NEEDED: {
    code: "UNSUPPORTED",
    status: 405,
    exit: 5,
    message: "a manifest of this repository still needs this content",
    remedy: "delete the manifests in the detail first, or leave it to the collection",
  },
  DELETE_DISABLED: {
    code: "UNSUPPORTED",
    status: 405,
    exit: 5,
    message: "deleting is turned off in this registry",
    remedy: "set `delete: true` in its configuration",
  },
  ENDPOINT_UNKNOWN: {
    code: "UNSUPPORTED",
    status: 404,
    exit: 1,
    message: "no such endpoint",
    remedy: "the endpoints are those of the OCI distribution spec 1.1, under /v2/",
  },
  METHOD_UNSUPPORTED: {
    code: "UNSUPPORTED",
    status: 405,
    exit: 1,
    message: "this endpoint does not support the method",
    remedy: "use one of the methods in the Allow header",
  },
  UNAUTHORIZED: {
    code: "UNAUTHORIZED",
    status: 401,
    exit: 4,
    message: "authentication required",
    remedy: "log in with a user and a password, or a token, that are valid here",
  },
  DENIED: {
    code: "DENIED",
    status: 403,
    exit: 4,
    message: "you may not do this here",
    remedy: "ask whoever runs this registry for the right to do it",
  },
  TOO_MANY_REQUESTS: {
    code: "TOOMANYREQUESTS",
    status: 429,
    exit: 1,
    message: "too many requests",
    remedy: "wait as long as the Retry-After header says",
  },
  TOO_MANY_UPLOADS: {
    code: "TOOMANYREQUESTS",
    status: 429,
    exit: 1,
    message: "too many unfinished uploads",
    remedy: "finish or cancel some, or wait as long as the Retry-After header says",
  },
  READ_ONLY: {
    code: "UNSUPPORTED",
    status: 405,
    exit: 5,
    message: "this registry is read-only at the moment",
    remedy: "pull as usual; push again when its maintenance is over",
  },
  UNAVAILABLE: {
    code: "UNAVAILABLE",
    status: 503,
    exit: 1,
    message: "the registry cannot do this now",
    remedy: "try again later; the server's log says why",
  },
  WRITES_STOPPED: {
    code: "UNAVAILABLE",
    status: 503,
    exit: 1,
    message:
      "the disk failed to keep a write, and no change is taken until the registry is restarted",
    remedy: "look after the disk, then restart the registry; pulls go on",
  },
  STORAGE_FULL: {
    code: "UNAVAILABLE",
    status: 507,
    exit: 1,
    message: "the registry's disk is full",
    remedy: "free some space; pulls go on, and nothing was damaged",
  },
  INTERNAL: {
    code: "UNKNOWN",
    status: 500,
    exit: 1,
    message: "something went wrong in the registry",
    remedy: "the server's log has the cause; please report it",
  },
} as const satisfies Record<string, ErrorEntry>;

/**
 * Every way in which Wharfinger says no, in one table.
 *
 * `code` is what an OCI client sees (distribution spec 1.1, "Error Codes"; the 5xx codes UNKNOWN and
 * UNAVAILABLE are those of the Docker registry API), `status` the HTTP status, `exit` the exit code of
 * a command that ends with it, `remedy` what the reader can do. `docs/errors.md` explains each.
 */
export const ERRORS = { ...REQUEST_ERRORS, ...WORK_ERRORS };

export type ErrorKind = keyof typeof ERRORS;
