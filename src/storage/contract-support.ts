import type { Storage, StoredObject } from "./storage.ts";

/** Texts are kept as Latin-1, so that a character is a byte. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

export async function textAt(storage: Storage, at: string): Promise<string> {
  const read = await storage.readSmall(at);
  if (!read) throw new Error(`there is nothing at ${at}`);
  return Buffer.from(read).toString("latin1");
}

export async function bodyOf(read: StoredObject | null): Promise<Uint8Array> {
  if (!read) throw new Error("there is nothing");
  return await new Response(read.body).bytes();
}

export async function append(
  storage: Storage,
  at: string,
  offset: number,
  ...chunks: Uint8Array[]
): Promise<void> {
  const writer = await storage.append(at, offset);
  try {
    for (const chunk of chunks) await writer.write(chunk);
    await writer.sync();
  } finally {
    await writer.close();
  }
}

export async function listed(storage: Storage, folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(storage.list(folder));
  return entries.map(({ name, kind }) => `${kind} ${name}`).toSorted();
}

/** All objects with their text, in the order of their paths. */
export async function everything(storage: Storage): Promise<Record<string, string>> {
  const paths: string[] = [];
  const look = async (folder: string): Promise<void> => {
    for await (const { name, kind } of storage.list(folder)) {
      const at = folder === "" ? name : `${folder}/${name}`;
      if (kind === "folder") await look(at);
      else paths.push(at);
    }
  };
  await look("");
  const found = paths.toSorted().map(async (at) => [at, await textAt(storage, at)] as const);
  return Object.fromEntries(await Promise.all(found));
}

/** What a promise is rejected with; undefined when it is not. */
export async function failure(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => undefined,
    (error: unknown) => error,
  );
}
