import type { Fixture } from "../../support/image.ts";
import type { Operation } from "./history.ts";
import type { Random } from "../../support/random.ts";

/** What several clients did to one tag. */
export interface TagHistory {
  readonly tag: string;
  readonly operations: Operation[];
}

const UNKNOWN = Number.POSITIVE_INFINITY;

/**
 * Lets clients push, delete and read tags of one repository at the same time, each as fast as it can,
 * and notes what each of them saw and when. The images are there already.
 */
export async function recordHistories(
  url: string,
  {
    repository,
    images,
    tags,
  }: { repository: string; images: readonly Fixture[]; tags: readonly string[] },
  { clients, each }: { clients: number; each: number },
  random: Random,
): Promise<TagHistory[]> {
  const histories = tags.map((tag): TagHistory => ({ tag, operations: [] }));
  const client = async (): Promise<void> => {
    for (let step = 0; step < each; step++) {
      const { tag, operations } = random.pick(histories);
      const began = performance.now();
      const called = { called: began, returned: UNKNOWN } as const;
      const done = <T extends object>(facts: T): T & Pick<Operation, "called" | "returned"> => ({
        called: began,
        returned: performance.now(),
        ...facts,
      });
      const address = `${url}/v2/${repository}/manifests/${tag}`;
      const dice = random.below(10);
      if (dice < 3) {
        const image = random.pick(images);
        const status = await statusOf(address, {
          method: "PUT",
          headers: { "content-type": image.mediaType },
          body: image.bytes,
        });
        const write = { kind: "write", value: image.digest } as const;
        if (status === 201) operations.push(done(write));
        else if (status === null) operations.push({ ...called, ...write });
        else throw new Error(`PUT of ${tag} was answered ${status}`);
      } else if (dice < 5) {
        const status = await statusOf(address, { method: "DELETE" });
        const write = { kind: "write", value: null } as const;
        if (status === null) operations.push({ ...called, ...write });
        else operations.push(done({ ...write, found: found(status, 202) }));
      } else if (dice < 9) {
        const seen = await see(address, dice < 7 ? "GET" : "HEAD");
        if (seen) operations.push(done({ kind: "read", value: seen.value } as const));
      } else {
        // The list is a look at every tag.
        const listed = await list(`${url}/v2/${repository}/tags/list`);
        for (const other of listed ? histories : []) {
          const look = {
            kind: "look",
            value: null,
            found: listed?.has(other.tag) === true,
          } as const;
          other.operations.push(done(look));
        }
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return histories;
}

function found(status: number, yes: number): boolean {
  if (status !== yes && status !== 404) throw new Error(`DELETE was answered ${status}`);
  return status === yes;
}

/** Null when nobody answered: the outcome is unknown. */
async function statusOf(address: string, init: RequestInit): Promise<number | null> {
  try {
    const response = await fetch(address, init);
    await response.arrayBuffer();
    return response.status;
  } catch {
    return null;
  }
}

/** A read without an answer says nothing. */
async function see(address: string, method: string): Promise<{ value: string | null } | null> {
  const response = await fetch(address, { method }).catch(() => null);
  if (!response) return null;
  await response.arrayBuffer().catch(() => null);
  if (response.status === 404) return { value: null };
  return { value: response.headers.get("docker-content-digest") };
}

async function list(address: string): Promise<Set<string> | null> {
  const response = await fetch(address).catch(() => null);
  if (!response?.ok) return null;
  const body = (await response.json().catch(() => null)) as { tags: string[] } | null;
  return body && new Set(body.tags);
}
