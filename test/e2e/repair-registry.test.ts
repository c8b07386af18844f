import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkCommand } from "../../src/cli/check.ts";
import { duCommand } from "../../src/cli/du.ts";
import { parseDigest } from "../../src/oci/digest.ts";
import { parseName } from "../../src/oci/name.ts";
import { parseTag } from "../../src/oci/reference.ts";
import { blobPath, layerPath, revisionLink, tagCurrentLink } from "../../src/storage/tree.ts";
import { expectClean } from "../support/clean.ts";
import { runCommand } from "../support/command.ts";
import { temporaryFolder } from "../support/folder.ts";
import { image, index } from "../support/image.ts";
import { collectGarbage, otherRegistries } from "../support/other-registries.ts";
import { pullManifest } from "../support/pull.ts";
import { againstDockerRegistry, startDockerRegistry } from "../support/server.ts";

setDefaultTimeout(120_000);

const APP = parseName("team/app");

for (const { name, program, missing } of otherRegistries) {
  const left = program === null && !(missing.required && process.env["CI"] === "true");
  const title = `a tree that ${name} wrote${left ? ` (${missing.reason})` : ""}`;
  const theirs = async (data: string): ReturnType<typeof startDockerRegistry> => {
    if (program === null) throw new Error(missing.reason);
    return await startDockerRegistry(data, {}, program);
  };

  describe.skipIf(left || againstDockerRegistry)(title, () => {
    test("is repaired from another one, and then served and collected by it", async () => {
      await using folder = await temporaryFolder();
      const [data, other] = [folder.at("data"), folder.at("other")];
      const one = image({ layers: 2, size: 30_000 });
      const multi = index([one, image({ size: 10_000 })]);
      for (const place of [data, other]) {
        await using server = await theirs(place);
        await one.push(server.url, APP, "1");
        await multi.push(server.url, APP, "multi");
      }
      const at = (path: string): string => join(data, path);
      const layer = parseDigest(one.blobs[1]!.descriptor.digest);
      const child = multi.children[1]!;
      await rm(at(blobPath(layer)));
      await writeFile(at(blobPath(parseDigest(one.blobs[2]!.descriptor.digest))), "other bytes");
      await rm(at(layerPath(APP, layer)), { recursive: true });
      await rm(at(blobPath(parseDigest(child.digest))));
      await writeFile(at(revisionLink(APP, parseDigest(multi.digest))), "");
      await writeFile(at(tagCurrentLink(APP, parseTag("1"))), "");

      await using source = await theirs(other);
      const args = ["--repair", "--verify-bytes", "--yes", "--from", source.host, data];
      const repaired = await runCommand(checkCommand, args);

      expect([repaired.exit, repaired.err.at(-1)]).toEqual([
        0,
        expect.stringContaining("0 findings left"),
      ]);
      await expectClean(data);
      // It stays a folder of the other one.
      expect((await runCommand(checkCommand, [data])).err[0]).toContain("no registry of ours");
      await collectGarbage(program ?? "", data);
      await using again = await theirs(data);
      for (const [tag, fixture] of [
        ["1", one],
        ["multi", multi],
      ] as const) {
        expect((await pullManifest(again.url, APP, tag)).digest).toBe(fixture.digest);
      }
      for (const { descriptor } of [...one.blobs, ...child.blobs]) {
        const answer = await fetch(`${again.url}/v2/${APP}/blobs/${descriptor.digest}`);
        const bytes = new Uint8Array(await answer.arrayBuffer());
        expect(bytes.length).toBe(descriptor.size);
      }
    });

    test("is counted to the byte", async () => {
      await using folder = await temporaryFolder();
      const data = folder.at("data");
      const one = image({ layers: 2, size: 30_000 });
      {
        await using server = await theirs(data);
        await one.push(server.url, APP, "1");
        await one.push(server.url, "team/copy", "1");
      }
      const { out } = await runCommand(duCommand, ["--json", data]);

      const bytes = one.blobs.reduce((sum, { bytes: of }) => sum + of.length, one.bytes.length);
      expect(JSON.parse(out.join("\n"))).toMatchObject({
        totals: { bytes, sharedBytes: bytes, repositories: 2, unlinked: { blobs: 0, bytes: 0 } },
      });
    });
  });
}
