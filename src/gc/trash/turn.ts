import { RegistryError } from "../../oci/errors.ts";
import type { Storage } from "../../storage/storage.ts";

/** By storage: every view of a registry shares it. */
const busy = new WeakMap<Storage, string>();

/**
 * Only one at a time takes something out of a trash: what one has found to be there, another must not free.
 * Returns what ends the turn; null: somebody else has it.
 */
export function takeTurn(storage: Storage, what: string): (() => void) | null {
  if (busy.has(storage)) return null;
  busy.set(storage, what);
  return () => void busy.delete(storage);
}

/** The same for one who is waited for. Throws UNAVAILABLE when somebody else has it. */
export function demandTurn(storage: Storage, what: string): () => void {
  const end = takeTurn(storage, what);
  if (end) return end;
  const reason = `${busy.get(storage) ?? "something else"} is under way in the trash`;
  throw new RegistryError("UNAVAILABLE", { reason });
}
