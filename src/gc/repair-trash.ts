import { Hasher } from "../oci/digest.ts";
import { trashPath } from "../storage/tree.ts";
import type { Finding } from "./finding.ts";
import { blobRow } from "./repair-rows.ts";
import type { Decision } from "./repair-step.ts";
import type { Repairable } from "./repairable.ts";

/** Decides about what the trash lists and does not have, or has and does not list. */
export async function decideTrash(
  { cause, path }: Finding,
  { trash, storage, now }: Repairable,
): Promise<Decision> {
  const name = path?.split("/").at(-1) ?? "";
  const id = /^\d{1,15}$/.test(name) ? Number(name) : null;
  if (!trash || path === null || id === null)
    return { cannot: "it is nothing that we have put there" };
  if (cause === "trash-row") {
    return {
      says: "the entry goes: nothing can be restored from it",
      async run() {
        if (!(await storage.stat(path))) await trash.removeTrash([id]);
        return null;
      },
    };
  }
  const stored = await storage.stat(path);
  if (!stored) return { says: "it has gone", run: async () => null };
  return {
    says: "the trash lists it, under the digest of its bytes, and frees it in its time",
    async run() {
      const body = await storage.read(path);
      if (!body) return null;
      const hasher = new Hasher("sha256");
      const chunks = body.body instanceof Blob ? body.body.stream() : body.body;
      for await (const chunk of chunks) hasher.update(chunk);
      const row = blobRow(hasher.digest(), stored, now(), "found in the trash without an entry");
      const [next] = await trash.addTrash([row]);
      if (next !== undefined) await storage.move(path, trashPath(next));
      return null;
    },
  };
}
