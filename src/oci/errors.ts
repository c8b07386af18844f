/**
 * Every way in which Wharfinger says no, in one table.
 *
 * `code` is what an OCI client sees (distribution spec 1.1, "Error Codes"; the 5xx codes UNKNOWN and
 * UNAVAILABLE are those of the Docker registry API), `status` the HTTP status, `exit` the exit code of
 * a command that ends with it, `remedy` what the reader can do. `docs/errors.md` explains each.
 */
export const ERRORS = {
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
  USAGE: {
    code: "UNSUPPORTED",
    status: 400,
    exit: 2,
    message: "wrong usage",
    remedy: "see `wharf --help`",
  },
  CONFIG_INVALID: {
    code: "UNKNOWN",
    status: 500,
    exit: 2,
    message: "invalid configuration",
    remedy: "correct the named setting; nothing was started",
  },
  USER_EXISTS: {
    code: "UNKNOWN",
    status: 500,
    exit: 5,
    message: "there is such a user already",
    remedy: "`wharf user passwd` gives a user another password",
  },
  USER_UNKNOWN: {
    code: "UNKNOWN",
    status: 500,
    exit: 1,
    message: "there is no such user",
    remedy: "`wharf user list` shows the users",
  },
  USERS_FILE: {
    code: "UNKNOWN",
    status: 500,
    exit: 1,
    message: "the file of users cannot be read or changed",
    remedy: "see the reason; whoever runs this needs to be allowed to write it, and its folder",
  },
  DATA_FOLDER: {
    code: "UNKNOWN",
    status: 500,
    exit: 1,
    message: "the data folder cannot be used",
    remedy: "see the reason",
  },
  REMOTE: {
    code: "UNKNOWN",
    status: 502,
    exit: 1,
    message: "the other registry did not do what was asked",
    remedy: "see the reason",
  },
  CREDENTIALS: {
    code: "UNAUTHORIZED",
    status: 401,
    exit: 4,
    message: "the registry wants other credentials",
    remedy: "log in, or check user and password",
  },
  TOKEN_UNKNOWN: {
    code: "UNKNOWN",
    status: 500,
    exit: 1,
    message: "no such access token",
    remedy: "`wharf token list` shows the tokens there are",
  },
  REFUSED: {
    code: "UNSUPPORTED",
    status: 405,
    exit: 5,
    message: "the registry refuses to do this",
    remedy: "see the reason",
  },
  COLLECTION_REFUSED: {
    code: "UNSUPPORTED",
    status: 409,
    exit: 5,
    message: "nothing is collected here at the moment",
    remedy: "see the reason; images are pushed and pulled as usual",
  },
  TRASH_UNKNOWN: {
    code: "MANIFEST_UNKNOWN",
    status: 404,
    exit: 1,
    message: "the trash does not have it",
    remedy: "`wharf trash list` shows what can be restored; what is older was freed for good",
  },
  TRASH_INCOMPLETE: {
    code: "UNKNOWN",
    status: 409,
    exit: 1,
    message: "it cannot be restored whole, so nothing of it was",
    remedy:
      "push the image again, or restore a backup; `--sparse` restores it without the lost parts",
  },
  TRASH_KEPT: {
    code: "UNKNOWN",
    status: 409,
    exit: 3,
    message: "the tag names something else by now, and stays as it is",
    remedy: "restore the manifest by its digest (REPO@DIGEST), or delete the tag first",
  },
  DAMAGE_FOUND: {
    code: "UNKNOWN",
    status: 500,
    exit: 6,
    message: "damage was found",
    remedy: "push the broken images again, which replaces what is lost, or restore a backup",
  },
  BACKUP_EXISTS: {
    code: "UNKNOWN",
    status: 500,
    exit: 5,
    message: "the backup would replace what is there",
    remedy: "take another name; nothing was written",
  },
  BACKUP_FAILED: {
    code: "UNKNOWN",
    status: 500,
    exit: 1,
    message: "the backup was not made",
    remedy: "see the reason; nothing that looks like a backup was left behind",
  },
  BACKUP_INVALID: {
    code: "UNKNOWN",
    status: 500,
    exit: 1,
    message: "the backup cannot be used",
    remedy: "see the reason; nothing was restored",
  },
  UNCONFIRMED: {
    code: "UNSUPPORTED",
    status: 409,
    exit: 2,
    message: "not confirmed",
    remedy: "--yes acts without asking; --dry-run only shows what would be done",
  },
  PARTIAL: {
    code: "UNKNOWN",
    status: 500,
    exit: 3,
    message: "done in part",
    remedy: "the lines above say what failed; running the same command again is safe",
  },
} as const satisfies Record<string, ErrorEntry>;

/** One row of the table above. */
export interface ErrorEntry {
  readonly code: string;
  readonly status: number;
  readonly exit: number;
  readonly message: string;
  readonly remedy: string;
}

export type ErrorKind = keyof typeof ERRORS;

/** What is known about one failure. `reason` is a sentence that ends the message; the rest are facts. */
export interface ErrorDetail {
  readonly reason?: string;
  readonly [fact: string]: unknown;
}

/**
 * The one error type. It is thrown by whoever finds the fault and caught in two places: `http/reply.ts`
 * makes it an OCI error body, `main.ts` a line on the terminal and an exit code.
 *
 * `detail` reaches the client: never put secrets, paths of the server or stack traces into it.
 * `headers` are added to the HTTP answer (Range and Location of an upload, Content-Range of a blob).
 */
export class RegistryError extends Error {
  override readonly name = "RegistryError";

  constructor(
    readonly kind: ErrorKind,
    readonly detail: ErrorDetail = {},
    options: { cause?: unknown; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(
      detail.reason === undefined
        ? ERRORS[kind].message
        : `${ERRORS[kind].message}: ${detail.reason}`,
      "cause" in options ? { cause: options.cause } : undefined,
    );
    this.headers = options.headers ?? {};
  }

  readonly headers: Readonly<Record<string, string>>;

  get status(): number {
    return ERRORS[this.kind].status;
  }
}

/** TOO_MANY_REQUESTS, which tells the client to come back in `wait` milliseconds. */
export function tooManyRequests(reason: string, wait: number): RegistryError {
  const headers = { "retry-after": String(Math.ceil(wait / 1000)) };
  return new RegistryError("TOO_MANY_REQUESTS", { reason }, { headers });
}
