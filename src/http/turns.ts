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
): Promise<AsyncGenerator<T>> {
  if (busy.has(storage)) {
    throw new RegistryError("UNAVAILABLE", { reason: `${other} is under way` });
  }
  busy.add(storage);
  return await until(() => void busy.delete(storage), events);
}

/** The same events; `end` is called after the last of them, or when nobody wants more. */
export async function until<T>(
  end: () => void,
  events: AsyncGenerator<T>,
): Promise<AsyncGenerator<T>> {
  async function* all(): AsyncGenerator<T> {
    try {
      // Only a sign that it has begun, which nobody is sent.
      yield undefined as T;
      yield* events;
    } finally {
      end();
    }
  }
  const begun = all();
  // What was never begun would end without its last words.
  await begun.next();
  return begun;
}
