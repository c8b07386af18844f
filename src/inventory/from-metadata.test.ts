import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  APP,
  OTHER,
  blobOf,
  child,
  digestFor,
  layer,
  pushOf,
} from "../metadata/contract/fixtures.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { openSqlite } from "../metadata/sqlite.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { inventoriesFromMetadata } from "./from-metadata.ts";

describe("the inventory of what the metadata know", () => {
  let folder: string;
  let metadata: Metadata;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "wharf-test-"));
    metadata = await openSqlite(join(folder, "metadata.sqlite"));
  });
  afterEach(async () => {
    await metadata.close();
    await rm(folder, { recursive: true });
  });

  test("comes repository by repository, with all that decisions need", async () => {
    await metadata.linkBlob(OTHER, blobOf("layer"), 1000, null);
    await metadata.linkBlob(APP, blobOf("layer"), 1000, null);
    await metadata.putManifest(pushOf(APP, "one", { needs: [layer("layer")], at: 2000 }));
    await metadata.putManifest(
      pushOf(APP, "index", { needs: [child("one")], tags: ["v1"], subject: "absent", at: 3000 }),
    );
    await metadata.see([{ kind: "link", name: APP, digest: digestFor("layer"), at: 4000 }]);
    await metadata.removeTag(APP, parseTag("v1"), 5000);

    const [app, other, ...more] = await Array.fromAsync(inventoriesFromMetadata(metadata));

    expect(more).toEqual([]);
    expect(other).toEqual({
      name: OTHER,
      tags: [],
      manifests: [],
      links: [{ ...blobOf("layer"), seenAt: 1000, linkedAt: 1000 }],
      unreadable: [],
    });
    expect(app).toMatchObject({ name: APP, tags: [], unreadable: [] });
    expect(app?.links).toEqual([{ ...blobOf("layer"), seenAt: 4000, linkedAt: 1000 }]);
    const manifests = new Map(app?.manifests.map((one) => [one.digest, one]));
    expect(manifests.get(digestFor("one"))).toMatchObject({
      pushedAt: 2000,
      seenAt: 2000,
      untaggedAt: null,
      subject: null,
      references: [{ role: "layer", ...blobOf("layer") }],
    });
    expect(manifests.get(digestFor("index"))).toMatchObject({
      untaggedAt: 5000,
      subject: digestFor("absent"),
      references: [{ role: "child", ...blobOf("one") }],
    });
  });

  test("can be of some repositories, and leaves out what is not there", async () => {
    for (const name of [APP, OTHER]) await metadata.linkBlob(name, blobOf("layer"), 1000, null);

    const some = inventoriesFromMetadata(metadata, [parseName("absent"), OTHER]);

    expect((await Array.fromAsync(some)).map(({ name }) => name)).toEqual([OTHER]);
  });
});
