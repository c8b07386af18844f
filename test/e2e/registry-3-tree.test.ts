import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { rm } from "node:fs/promises";
import { unpackRegistry3 } from "../fixtures/registry-3.ts";
import { allAnswers, overApi } from "../support/filled-registry.ts";
import { temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { image } from "../support/image.ts";
import { catalogOf, notServed, tagsOf } from "../support/pull.ts";
import { expectStatus } from "../support/push.ts";
import { againstDockerRegistry, startDockerRegistry, startWharf } from "../support/server.ts";

setDefaultTimeout(60_000);

// `take-turns.test.ts` has the real registry 3 where it is to be had; this runs everywhere.
describe.skipIf(againstDockerRegistry)("a tree that registry 3 has written", () => {
  test("is served as it served it itself, from the first moment and after a restart", async () => {
    await using folder = await temporaryFolder();
    const data = await folder.folder("data");
    const { subjects, answers, catalog } = await unpackRegistry3(data);
    for (const knows of ["nothing", "all of it"]) {
      await using wharf = await startWharf({ data });
      expect({ knows, ...(await allAnswers(subjects, overApi(wharf.url))) }).toEqual({
        knows,
        ...answers,
      });
      expect(await catalogOf(wharf.url)).toEqual([...catalog]);
      expect(wharf.logs()).not.toContain('"level":"warn"');
    }
  });
});

group("a tree that registry 3 has written, and ours has changed", ["docker-registry"], () => {
  test.skipIf(againstDockerRegistry)(
    "is served by Debian's docker-registry as we left it",
    async () => {
      await using folder = await temporaryFolder();
      const data = await folder.folder("data");
      const { subjects } = await unpackRegistry3(data);
      await rm(folder.at("data", "said.json"));
      const added = image();
      let ours: Record<string, unknown>;
      {
        await using wharf = await startWharf({ data });
        await added.push(wharf.url, "team/app", "added", "latest");
        await expectStatus(202, `${wharf.url}/v2/team/app/manifests/first`, { method: "DELETE" });
        ours = await allAnswers(subjects, overApi(wharf.url));
      }

      await using registry = await startDockerRegistry(data);

      expect(await allAnswers(subjects, overApi(registry.url))).toEqual(ours);
      expect(await tagsOf(registry.url, "team/app")).toEqual(["added", "latest", "moved", "v1"]);
      expect(await notServed(registry.url, "team/app", "latest", added)).toEqual([]);
    },
  );
});
