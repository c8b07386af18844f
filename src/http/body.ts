import { RegistryError } from "../oci/errors.ts";
import { contentLength } from "./range.ts";

/**
 * The whole body, for documents. Throws MANIFEST_TOO_LARGE, or what `refusal` makes, before more than
 * `limit` bytes are held.
 */
export async function readBody(
  request: Request,
  limit: number,
  refusal: (limit: number) => RegistryError = tooLarge,
): Promise<Uint8Array<ArrayBuffer>> {
  const length = contentLength(request.headers);
  if (length !== null) {
    if (length > limit) throw refusal(limit);
    return new Uint8Array(await request.arrayBuffer());
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > limit) throw refusal(limit);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function tooLarge(limit: number): RegistryError {
  return new RegistryError("MANIFEST_TOO_LARGE", { reason: `more than ${limit} bytes`, limit });
}
