import { RegistryError } from "../oci/errors.ts";
import { isRecord } from "../oci/json.ts";
import { JsonError, parseStrictJson } from "../oci/strict-json.ts";
import { readBody } from "./body.ts";

/** What a client asks for. */
type Wish = Readonly<Record<string, unknown>>;

/**
 * The JSON object in a body. `limit`: bytes. `optional`: an empty body is an object without keys. Throws
 * PARAMETER_INVALID for anything else, and for a key that is not `known`.
 */
export async function readWish(
  request: Request,
  known: readonly string[],
  { limit, optional }: { readonly limit: number; readonly optional: boolean },
): Promise<Wish> {
  const bytes = await readBody(request, limit, () => bad(`the body has more than ${limit} bytes`));
  const wish = optional && bytes.length === 0 ? {} : parse(bytes);
  refuseStrangers(wish, known, "the body");
  return wish;
}

/** Throws PARAMETER_INVALID when an object has other keys: what they say would not be done. */
export function refuseStrangers(wish: Wish, known: readonly string[], where: string): void {
  const stranger = Object.keys(wish).find((key) => !known.includes(key));
  if (stranger === undefined) return;
  throw bad(`${where} has an unknown key ${JSON.stringify(stranger.slice(0, 40))}`);
}

/** True or false; `usual` when it is absent. Throws PARAMETER_INVALID for anything else. */
export function yesOrNo(wish: Wish, key: string, usual = false): boolean {
  const value = wish[key] ?? usual;
  if (typeof value === "boolean") return value;
  throw bad(`the body: "${key}" must be true or false`);
}

/** The refusal of a body. */
export function bad(reason: string): RegistryError {
  return new RegistryError("PARAMETER_INVALID", { reason });
}

function parse(bytes: Uint8Array): Wish {
  try {
    const value = parseStrictJson(bytes);
    if (isRecord(value)) return value;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
  }
  throw bad("the body must be a JSON object");
}
