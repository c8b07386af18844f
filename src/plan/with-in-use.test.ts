import { writeFile } from "node:fs/promises";
import { expect, test } from "bun:test";
import { openTarget } from "../../test/support/api-target.ts";
import { temporaryFolder } from "../../test/support/folder.ts";
import { image, index } from "../../test/support/image.ts";
import { localRegistry } from "../../test/support/local-registry.ts";
import { policy } from "../../test/support/prune-run.ts";
import { parseName } from "../oci/name.ts";
import { deciderOf } from "./decider.ts";
import { inUseOf } from "./in-use.ts";
import { planPrune } from "./prune-planner.ts";

const APP = parseName("team/app");

test("what runs by its digest keeps its platforms, although no tag leads to it and the registry does not list it", async () => {
  await using registry = await localRegistry();
  await using folder = await temporaryFolder();
  const [shared, one, two, three] = [image(), image(), image(), image()];
  const old = index([shared, one]);
  const running = index([shared, two]);
  await old.push(registry.url, APP, "old-1");
  await running.push(registry.url, APP, "latest");
  // The tag moves on, and what runs is known by its digest alone.
  await index([three]).push(registry.url, APP, "latest");
  await writeFile(folder.at("images"), `registry.example/${APP}@${running.digest}\n`);
  const source = `file:${folder.at("images")}`;
  const kept = policy({ keep: [{ inUse: [source], of: "selected" }] });
  await using target = openTarget(registry.url);
  const planned = async (rules: typeof kept): Promise<string[] | undefined> => {
    const inUse = await inUseOf([source], { environment: {} });
    const decider = deciderOf([rules], { now: Date.now(), inUse });
    const { plan } = await planPrune({ target, decider, clock: Date.now, concurrency: 2 });
    return plan.repositories[0]?.actions.map(({ digest }) => String(digest)).toSorted();
  };

  expect(await planned(kept)).toEqual([old.digest, one.digest].toSorted());
  expect(await planned(policy())).toEqual([old.digest, one.digest, shared.digest].toSorted());
});
