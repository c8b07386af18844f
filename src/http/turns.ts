import { RegistryError } from "../oci/errors.ts";
import type { Registry } from "../registry/registry.ts";

/**
 * Events of work that may run only once at a time in a registry; its turn ends with them, or when nobody
 * wants them any more. Throws UNAVAILABLE while other work has the turn. `other`: what is under way then.
 */
export async function inTurn<T>(
  busy: WeakSet<Registry["storage"]>,
  storage: Registry["storage"],
  other: string,
  events: AsyncGenerator<T>,
): Promise<AsyncGenerator<T | Record<string, never>>> {
  if (busy.has(storage)) {
    throw new RegistryError("UNAVAILABLE", { reason: `${other} is under way` });
  }
  busy.add(storage);
  async function* lines(): AsyncGenerator<T | Record<string, never>> {
    try {
      yield {};
      yield* events;
    } finally {
      busy.delete(storage);
    }
  }
  const begun = lines();
  // What was never begun would end without its last words.
  await begun.next();
  return begun;
}
