import { expect } from "bun:test";
import type { Answer } from "./http.ts";
import { exchange, rawRequest } from "./raw.ts";
import type { TestRegistry } from "./registry.ts";
import { stored } from "./stored.ts";

/** How a request is refused. */
export interface Refusal {
  readonly status: number;
  /** The code of the OCI error body; absent when the HTTP parser answers, which knows no such bodies. */
  readonly code?: string;
  /** What the message must say: what is wrong, in the reader's words. */
  readonly reason?: RegExp;
}

export function expectRefusal(answer: Answer | null, { status, code, reason }: Refusal): void {
  const [first] = answer?.errors ?? [];
  expect({ status: answer?.status, code: first?.code }).toEqual({ status, code });
  if (code !== undefined) {
    expect(answer?.headers.get("content-type")).toBe("application/json");
    expect(first?.detail?.["remedy"]).toBeString();
  }
  if (reason !== undefined) expect(first?.message).toMatch(reason);
}

/**
 * A request that is refused leaves no trace: what is stored is as before, and a fresh connection is
 * served. `answer` null in the refusal's place is not accepted: the sender must hear why.
 */
export async function expectRefused(
  registry: TestRegistry,
  send: () => Promise<Answer | null>,
  refusal: Refusal,
): Promise<Answer> {
  return await leavingNoTrace(registry, async () => {
    const answer = await send();
    expectRefusal(answer, refusal);
    return answer!;
  });
}

export async function leavingNoTrace<T>(
  registry: TestRegistry,
  work: () => Promise<T>,
): Promise<T> {
  const before = await stored(registry.data);
  const result = await work();
  const after = await stored(registry.data);
  // A tree that was behind has moved on meanwhile; the rows say that nothing was added for it to follow.
  expect({ ...after, ...(before.tree === null && { tree: null }) }).toEqual(before);
  await expectAlive(registry);
  return result;
}

export async function expectAlive(registry: TestRegistry): Promise<void> {
  const answer = await exchange(registry.port, rawRequest("GET", "/v2/"));
  expect([answer?.status, answer?.text]).toEqual([200, "{}"]);
}
