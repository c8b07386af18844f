import { describe, test } from "bun:test";
import { client, type Peer } from "./peers.ts";

/**
 * A `describe` that needs programs of other people.
 *
 * Where one is missing the whole group is skipped, with the reason in its name. With CI=true it
 * fails instead: a machine that was set up to run everything must not quietly run less.
 */
export function group(name: string, needs: readonly Peer[], body: () => void): void {
  const reasons = needs.map(client).flatMap((found) => ("reason" in found ? [found.reason] : []));
  if (reasons.length === 0) {
    describe(name, body);
  } else if (process.env["CI"] === "true") {
    test(`${name}: its programs are there`, () => {
      throw new Error(reasons.join("; "));
    });
  } else {
    describe.skip(`${name} (${reasons.join("; ")})`, body);
  }
}
