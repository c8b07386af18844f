import { Refusal } from "./reply.ts";

/** All that is sent, up to so many bytes. Throws 413 before more than that is held. */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  const tooLarge = new Refusal(413, `the body has more than ${limit} bytes`);
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > limit) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > limit) throw tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
