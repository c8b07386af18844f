import { expect, test } from "bun:test";
import { eventually } from "../../test/support/eventually.ts";
import { temporaryFolder } from "../../test/support/folder.ts";
import { parseName } from "../oci/name.ts";
import { blobOf } from "./contract/fixtures.ts";
import { openSqlite } from "./sqlite.ts";
import { startTreeFollower } from "./tree-follower.ts";

const APP = parseName("team/app");

test("a change that comes while the tree follows earlier ones is followed, without another to wake it", async () => {
  await using folder = await temporaryFolder();
  const database = folder.at("metadata.sqlite");
  const metadata = await openSqlite(database);
  let retiring = 0;
  const follower = await startTreeFollower(
    { database, folder: folder.path },
    {
      // So slow that whatever wakes the follower meanwhile finds it at work.
      async retireJournal(...upTo) {
        retiring++;
        await Bun.sleep(800);
        await metadata.retireJournal(...upTo);
      },
    },
    (failure) => {
      throw failure;
    },
  );
  const link = async (word: string): Promise<void> => {
    await metadata.linkBlob(APP, blobOf(word), 1000, null);
    follower.wake();
  };

  await link("first");
  await eventually(
    async () => retiring,
    (count) => count > 0,
  );
  await link("second");

  const journal = () => metadata.readJournal(10);
  expect(await eventually(journal, (entries) => entries.length === 0)).toEqual([]);
  await follower.close();
  await metadata.close();
});
