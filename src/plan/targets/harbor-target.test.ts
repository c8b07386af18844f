import { describe, expect, test } from "bun:test";
import { failureOf } from "../../../test/support/failure.ts";
import { image, index } from "../../../test/support/image.ts";
import { fill } from "../../../test/support/stand-ins/fill.ts";
import { startStandIn } from "../../../test/support/stand-ins/stand-in.ts";
import { PRUNING, type User } from "../../../test/support/stand-ins/users.ts";
import { schema } from "../../config/schema.ts";
import { parseDigest } from "../../oci/digest.ts";
import { parseName } from "../../oci/name.ts";
import { parseTag } from "../../oci/reference.ts";
import type { PruneTarget } from "../prune-target.ts";
import { openHarbor } from "./harbor-target.ts";

const ROBOT: User = {
  name: "robot$app+prune",
  password: "secret",
  projects: [{ project: "app", rights: PRUNING }],
};
const NAME = parseName("app/team/web");

function harbor() {
  const standIn = startStandIn("harbor", { users: [ROBOT] });
  standIn.harbor?.addProject("app");
  return standIn;
}

async function open(url: string, more: object = {}): Promise<PruneTarget | null> {
  const entry = { name: "h", url, username: ROBOT.name, password: ROBOT.password, ...more };
  const [settings] = schema.shape.registries.parse([entry]);
  if (!settings) throw new Error("there is one");
  return await openHarbor(settings, { environment: {} });
}

async function opened(url: string, more: object = {}): Promise<PruneTarget> {
  const target = await open(url, more);
  if (!target) throw new Error("it is a Harbor");
  return target;
}

describe("an entry of registries:", () => {
  test("is recognised by itself, and left to others when it is no Harbor", async () => {
    await using standIn = harbor();
    await using other = startStandIn("registry-3");
    expect((await opened(standIn.url)).registry).toEqual({
      name: "h",
      place: standIn.url,
      bytes: "estimated",
    });
    expect(await open(other.url)).toBeNull();
  });

  test("that is said to be a Harbor and is none is an error", async () => {
    await using other = startStandIn("registry-3");
    const error = await failureOf(open(other.url, { type: "harbor" }));
    expect(error.message).toContain("is not a Harbor");
  });

  test("with a wrong password is an error, not a registry of public projects", async () => {
    await using standIn = harbor();
    expect((await failureOf(open(standIn.url, { password: "wrong" }))).kind).toBe("CREDENTIALS");
  });
});

describe("a Harbor to prune", () => {
  test("has its repositories in the order of their names, or those that were named", async () => {
    await using standIn = harbor();
    for (const name of ["app/z", "app/a", "app/team/web"])
      fill(standIn.content, name, image(), "1");
    const all = await Array.fromAsync((await opened(standIn.url)).repositories());
    expect(all).toEqual(["app/a", "app/team/web", "app/z"].map(parseName));
    const named = await opened(standIn.url, { repositories: ["app/z", "app/a", "app/z"] });
    expect(await Array.fromAsync(named.repositories())).toEqual(["app/a", "app/z"].map(parseName));
  });

  test("loses a tag alone, a manifest with all of its tags, and does both only once", async () => {
    await using standIn = harbor();
    const one = image();
    fill(standIn.content, NAME, one, "a", "b", "c");
    const target = await opened(standIn.url);
    expect(await target.removesTags()).toBe(true);
    expect(await target.resolve(NAME, parseTag("a"))).toBe(parseDigest(one.digest));
    for (const _ of [1, 2]) await target.removeTag(NAME, parseTag("a"));
    expect(await target.resolve(NAME, parseTag("a"))).toBeNull();
    expect((await target.inventoryOf(NAME))?.tags.map(({ tag }) => String(tag))).toEqual([
      "b",
      "c",
    ]);
    for (const _ of [1, 2]) await target.deleteManifest(NAME, parseDigest(one.digest));
    expect(standIn.content.find(NAME)?.manifests.size).toBe(0);
  });

  test("takes children and signatures along, which counts as done", async () => {
    await using standIn = harbor();
    const child = image();
    const list = index([child]);
    const signature = image({ subject: list.descriptor, artifactType: "application/vnd.x+json" });
    fill(standIn.content, NAME, list, "1");
    fill(standIn.content, NAME, signature);
    const target = await opened(standIn.url);
    for (const { digest } of [list, child, signature]) {
      await target.deleteManifest(NAME, parseDigest(digest));
    }
    expect((await target.inventoryOf(NAME))?.manifests).toEqual([]);
  });

  describe("an accessory with a tag of its own", () => {
    test("keeps its subject, which would take it along, and says so", async () => {
      await using standIn = harbor();
      const one = image();
      const report = image({ subject: one.descriptor, artifactType: "application/vnd.x+json" });
      fill(standIn.content, NAME, one, "1");
      fill(standIn.content, NAME, report, "report-1");
      const target = await opened(standIn.url);
      const error = await failureOf(target.deleteManifest(NAME, parseDigest(one.digest)));
      expect(error.kind).toBe("REFUSED");
      for (const part of [one.digest, report.digest, "report-1"]) {
        expect(error.message).toContain(part);
      }
      expect(standIn.content.find(NAME)?.manifests.size).toBe(2);
      await target.removeTag(NAME, parseTag("1"));

      standIn.content.find(NAME)?.tags.delete("report-1");
      await target.deleteManifest(NAME, parseDigest(one.digest));
      expect(standIn.content.find(NAME)?.manifests.size).toBe(0);
    });

    test("keeps an index when it hangs on an accessory of a child", async () => {
      await using standIn = harbor();
      const child = image();
      const list = index([child]);
      const artifactType = "application/vnd.x+json";
      const report = image({ subject: child.descriptor, artifactType });
      const signature = image({ subject: report.descriptor, artifactType });
      fill(standIn.content, NAME, list, "1");
      fill(standIn.content, NAME, report);
      fill(standIn.content, NAME, signature, "mine");
      const target = await opened(standIn.url);
      const error = await failureOf(target.deleteManifest(NAME, parseDigest(list.digest)));
      expect(error.message).toContain("has the tag mine");
      expect(standIn.content.find(NAME)?.manifests.size).toBe(4);
    });

    test("keeps no index when the child to which it belongs has a tag, and stays", async () => {
      await using standIn = harbor();
      const child = image();
      const list = index([child]);
      const report = image({ subject: child.descriptor, artifactType: "application/vnd.x+json" });
      fill(standIn.content, NAME, list, "1");
      fill(standIn.content, NAME, child, "amd64");
      fill(standIn.content, NAME, report, "mine");
      const target = await opened(standIn.url);
      await target.deleteManifest(NAME, parseDigest(list.digest));
      expect(standIn.content.find(NAME)?.manifests.size).toBe(2);
    });

    test("is none with a tag of cosign's, which belongs to the subject", async () => {
      await using standIn = harbor();
      const one = image();
      fill(standIn.content, NAME, one, "1");
      fill(standIn.content, NAME, image(), `${one.digest.replace(":", "-")}.sig`);
      const target = await opened(standIn.url);
      await target.deleteManifest(NAME, parseDigest(one.digest));
      expect(standIn.content.find(NAME)?.manifests.size).toBe(0);
    });

    test("that cannot be asked for its tags keeps its subject", async () => {
      const rights = PRUNING.filter((right) => right !== "tag:list");
      const blind = { ...ROBOT, projects: [{ project: "app", rights }] };
      await using standIn = startStandIn("harbor", { users: [blind] });
      standIn.harbor?.addProject("app");
      const one = image();
      fill(standIn.content, NAME, one, "1");
      const artifactType = "application/vnd.x+json";
      fill(standIn.content, NAME, image({ subject: one.descriptor, artifactType }));
      const target = await opened(standIn.url);
      await failureOf(target.deleteManifest(NAME, parseDigest(one.digest)));
      expect(standIn.content.find(NAME)?.manifests.size).toBe(2);
    });
  });

  test("that is read-only refuses, which is no matter of rights", async () => {
    await using standIn = harbor();
    const one = image();
    fill(standIn.content, NAME, one, "a");
    if (standIn.harbor) standIn.harbor.readOnly = true;
    const target = await opened(standIn.url);
    expect((await failureOf(target.removeTag(NAME, parseTag("a")))).kind).toBe("REFUSED");
    const whole = target.deleteManifest(NAME, parseDigest(one.digest));
    expect((await failureOf(whole)).message).toContain("read-only");
  });

  test("tells what time it is there", async () => {
    await using standIn = harbor();
    const clock = (await opened(standIn.url)).clock?.();
    if (!clock) throw new Error("it sends a Date");
    expect(Math.abs(clock.theirs - clock.ours)).toBeLessThan(3_600_000);
  });

  test("that does not know a repository has none", async () => {
    await using standIn = harbor();
    expect(await (await opened(standIn.url)).inventoryOf(NAME)).toBeNull();
    const error = await failureOf((await opened(standIn.url)).inventoryOf(parseName("web")));
    expect(error.kind).toBe("NAME_UNKNOWN");
  });
});
