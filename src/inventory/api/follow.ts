import type { Digest } from "../../oci/digest.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { RepositoryName } from "../../oci/name.ts";
import type { Unreadable } from "../inventory.ts";
import { atOnce } from "./at-once.ts";
import { type DatedFacts, type FactsReading, readFacts } from "./read-facts.ts";

/** Null: the manifest is not there; undefined: it is, and cannot be understood, which is noted. */
export type Followed = DatedFacts | null | undefined;

/** More is no index of platforms: ten thousand is far above any that is known. */
const MOST_CHILDREN = 10_000;

/** Reads manifests and all that lies below them, each once, into `facts`. Throws REMOTE or CREDENTIALS. */
export function follower(
  name: RepositoryName,
  reading: FactsReading & { readonly concurrency: number },
  into: { readonly facts: Map<Digest, DatedFacts>; readonly unreadable: Unreadable[] },
): (digest: Digest) => Promise<Followed> {
  const { concurrency } = reading;
  const asked = new Map<Digest, Promise<Followed>>();
  const read = async (digest: Digest): Promise<Followed> => {
    const facts = await readFacts(reading, name, digest);
    if (facts === null) return null;
    if (typeof facts === "string") {
      into.unreadable.push({ path: `${name}@${digest}`, problem: facts });
      return undefined;
    }
    into.facts.set(digest, facts);
    if (facts.children.length > MOST_CHILDREN) {
      throw new RegistryError("REMOTE", {
        reason: `${name}@${digest} lists ${facts.children.length} manifests`,
      });
    }
    // A child that is not there is no damage: mirrors leave out platforms.
    await atOnce(facts.children, concurrency, async (child) => void (await follow(child)));
    return facts;
  };
  const follow = async (digest: Digest): Promise<Followed> => {
    const known = asked.get(digest) ?? read(digest);
    asked.set(digest, known);
    return await known;
  };
  return follow;
}
