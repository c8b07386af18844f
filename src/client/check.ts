import type { Connection } from "./connection.ts";
import { type Document, askForLines } from "./json-lines.ts";

/**
 * Lets a Wharfinger check itself; yields its lines, the last of them `{"done"}`. Throws REMOTE when the
 * registry is none of ours or the answer breaks off.
 */
export function askForCheck(
  connection: Connection,
  verifyBytes: boolean,
): AsyncGenerator<Document> {
  const path = `/api/v1/check${verifyBytes ? "?verifyBytes=true" : ""}`;
  return askForLines(connection, { method: "GET", path }, "the check");
}

/** The same for a repair; `from`: a registry that it may take lost bytes from, with what opens that. */
export function askForRepair(
  connection: Connection,
  wish: {
    readonly verifyBytes: boolean;
    readonly dryRun: boolean;
    readonly from: Readonly<Record<string, unknown>> | null;
  },
): AsyncGenerator<Document> {
  const { verifyBytes, dryRun, from } = wish;
  const body = { verifyBytes, dryRun, ...(from && { from }) };
  const ask = { method: "POST", path: "/api/v1/check/repair", body } as const;
  return askForLines(connection, ask, "the repair");
}

/** How many bytes its repositories take, or those that these globs match; the last line is `{"done"}`. */
export function askForUsage(
  connection: Connection,
  repositories: readonly string[],
): AsyncGenerator<Document> {
  const query = repositories.map((glob) => `repository=${encodeURIComponent(glob)}`).join("&");
  const path = `/api/v1/du${query && `?${query}`}`;
  return askForLines(connection, { method: "GET", path }, "the count");
}
