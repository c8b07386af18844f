import { expect, test } from "bun:test";
import { temporaryFolder } from "../../../test/support/folder.ts";
import type { Claim } from "../../metadata/collection.ts";
import { openSqlite } from "../../metadata/sqlite.ts";
import { digestOf } from "../../oci/digest.ts";
import { filesystemStorage } from "../../storage/filesystem.ts";
import { blobPath, trashPath } from "../../storage/tree.ts";
import { emptyTrash } from "./empty.ts";
import type { TrashRows } from "./place.ts";

test("emptying leaves alone what a collection claims while the rows are read", async () => {
  await using folder = await temporaryFolder();
  const metadata = await openSqlite(folder.at("metadata.sqlite"));
  try {
    const storage = filesystemStorage(folder.path);
    const bytes = new TextEncoder().encode("leaving");
    const digest = digestOf(bytes);
    await storage.write([{ path: blobPath(digest), bytes }]);
    await metadata.doom([{ digest, size: bytes.length }], 1);
    let claims: Claim[] = [];
    const rows: TrashRows = {
      ...metadata,
      async listTrash(query) {
        // Its file is in the trash, and the claim is not settled yet.
        if (claims.length === 0) {
          claims = await metadata.claim(1, [], { run: 1, now: 2 });
          for (const { id } of claims) await storage.move(blobPath(digest), trashPath(id));
        }
        return await metadata.listTrash(query);
      },
    };

    const events = await Array.fromAsync(emptyTrash({ names: [], run: null }, { rows, storage }));

    expect(events.at(-1)).toEqual({ done: { entries: 0, bytes: 0, unknown: [] } });
    expect(claims).toHaveLength(1);
    for (const { id } of claims) expect(await storage.stat(trashPath(id))).not.toBeNull();
  } finally {
    await metadata.close();
  }
});
