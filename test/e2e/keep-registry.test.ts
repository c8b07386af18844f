import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../../src/oci/digest.ts";
import { blobPath } from "../../src/storage/tree.ts";
import { age } from "../support/aged.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { image } from "../support/image.ts";
import { jobOf, ranSince, startKeep } from "../support/keep.ts";
import { freePort } from "../support/process.ts";
import { tagsOf } from "../support/pull.ts";
import { receiver } from "../support/receiver.ts";
import { startDockerRegistry } from "../support/server.ts";

setDefaultTimeout(120_000);

group("wharf keep beside a docker-registry", ["docker-registry"], () => {
  test("prunes by push times that it was told, collects after deletes, and tells what it did", async () => {
    await using folder = await temporaryFolder();
    await using reports = receiver(() => new Response(null, { status: 204 }));
    const data = await folder.folder("data");
    const port = freePort();
    const endpoint = { name: "keep", url: `http://127.0.0.1:${port}/events` };
    const headers = { Authorization: ["Bearer s3cret"] };
    const quick = { timeout: "500ms", threshold: 3, backoff: "100ms" };
    const notifications = { endpoints: [{ ...endpoint, headers, ...quick }] };
    await using registry = await startDockerRegistry(data, { notifications });
    const settings = {
      retention: [
        {
          name: "some",
          repositories: ["ci/**"],
          delete: [{ tags: ["*"] }],
          keep: [{ newest: 2, orderBy: "pushed" }, { tags: ["latest"] }],
        },
      ],
      keep: {
        listen: `127.0.0.1:${port}`,
        state: folder.at("state"),
        eventToken: "s3cret",
        report: [{ url: reports.url }],
      },
      registries: [
        { name: "hub", url: registry.url, collect: { with: "tree", data, afterDeletes: "1s" } },
      ],
    };
    const config = folder.at("wharf.yaml");
    await writeFile(config, JSON.stringify(settings));
    await using keep = await startKeep({ config, listen: `127.0.0.1:${port}` });

    // In another order than by name: only who was told when they were pushed knows which are the newest.
    const images = Object.fromEntries(
      ["b", "d", "a", "c"].map((tag) => [tag, image({ size: 50_000 })]),
    );
    for (const [tag, one] of Object.entries(images)) await one.push(registry.url, "ci/app", tag);
    await images["b"]?.push(registry.url, "ci/app", "latest");
    await images["d"]?.push(registry.url, "other/app", "d");
    await eventually(
      async () =>
        (await (await fetch(`${keep.url}/metrics`)).text()).match(/event="push"} (\d+)/)?.[1],
      (count) => count === "6",
    );
    await age(data);

    const since = Date.now();
    const answer = await fetch(`${keep.url}/prune`, { method: "POST" });
    expect(await answer.text()).toBe("prune+GC started");
    const run = await ranSince(keep, "prune", since);
    expect(run).toMatchObject({ outcome: "done", tags: 2, manifests: 2 });
    // `c` and `latest` are the newest. `b` shares its digest with `latest`, so it stays as well.
    expect((await tagsOf(registry.url, "ci/app")).toSorted()).toEqual(["b", "c", "latest"]);
    expect(await tagsOf(registry.url, "other/app")).toEqual(["d"]);
    await ranSince(keep, "gc", since);

    const audit = (await readFile(folder.at("state", "audit.jsonl"), "utf8")).trim().split("\n");
    const removed = audit.map((line) => (JSON.parse(line) as { tags: string[] }).tags);
    expect(new Set(removed.flat())).toEqual(new Set(["a", "d"]));
    expect(JSON.parse(audit[0] ?? "")).toMatchObject({ registry: "hub", result: "done" });
    const told = await eventually(
      async () => reports.deliveries.map(({ body }) => JSON.parse(body)),
      (all) => all.some(({ run: kind }) => kind === "prune"),
    );
    expect(told).toContainEqual(
      expect.objectContaining({ kind: "keep-report", run: "prune", outcome: "done", tags: 2 }),
    );

    const before = Date.now();
    const gone = images["c"];
    const deleted = await fetch(`${registry.url}/v2/ci/app/manifests/${gone?.digest}`, {
      method: "DELETE",
    });
    expect(deleted.status).toBe(202);
    const collected = await ranSince(keep, "gc", before);
    expect(collected.outcome).toBe("done");
    expect(collected.bytes).toBeGreaterThan(50_000);
    const layer = gone?.blobs[0]?.descriptor.digest as Digest;
    expect(existsSync(join(data, blobPath(layer)))).toBe(false);
    expect((await jobOf(keep, "gc")).next).toBeNull();
  });

  test("only reports what would go where that is said, and does nothing beyond the limits", async () => {
    await using folder = await temporaryFolder();
    await using reports = receiver(() => new Response(null, { status: 204 }));
    const data = await folder.folder("data");
    await using registry = await startDockerRegistry(data);
    for (const tag of ["a", "b", "c"]) await image().push(registry.url, "app", tag);
    const hub = { name: "hub", url: registry.url, collect: { with: "tree", data } };
    const policy = { name: "all", repositories: ["**"], delete: [{ tags: ["*"] }] };
    const keepB = { ...policy, keep: [{ tags: ["b"] }] };
    const run = async (retention: object, more: object) => {
      const settings = {
        retention: [retention],
        keep: { state: folder.at("state"), report: [{ url: reports.url }] },
        registries: [{ ...hub, ...more }],
      };
      await writeFile(folder.at("wharf.yaml"), JSON.stringify(settings));
      await using keep = await startKeep({ config: folder.at("wharf.yaml") });
      const since = Date.now();
      await fetch(`${keep.url}/registries/hub/prune`, { method: "POST" });
      return await ranSince(keep, "prune", since);
    };

    const planned = await run(keepB, { prune: { dryRun: true } });
    expect(planned).toMatchObject({ outcome: "done", tags: 0, manifests: 0 });
    const [report] = reports.deliveries.map(
      ({ body }) => JSON.parse(body) as { details: { planned: { tags: { deleted: number } } } },
    );
    expect(report?.details.planned.tags.deleted).toBe(2);

    const limited = await run({ ...keepB, limits: { maxDelete: "10%" } }, {});
    expect(limited).toMatchObject({ outcome: "refused", tags: 0 });
    const emptied = await run(policy, {});
    expect(emptied).toMatchObject({ outcome: "refused", tags: 0 });
    expect((await tagsOf(registry.url, "app")).toSorted()).toEqual(["a", "b", "c"]);
  });

  test("fails clearly while the registry is away, and does it when that is back", async () => {
    await using folder = await temporaryFolder();
    const port = freePort();
    const settings = {
      retention: [{ name: "all", repositories: ["**"], delete: [{ tags: ["*"] }] }],
      keep: { state: folder.at("state") },
      registries: [{ name: "hub", url: `127.0.0.1:${port}`, retries: 0 }],
    };
    const config = folder.at("wharf.yaml");
    await writeFile(config, JSON.stringify(settings));
    await using keep = await startKeep({ config });
    await fetch(`${keep.url}/prune`, { method: "POST" });
    const run = await ranSince(keep, "prune", 0);
    expect(run.outcome).toBe("failed");
    expect(run.reason).toContain(`127.0.0.1:${port}`);
    expect((await fetch(`${keep.url}/readyz`)).status).toBe(200);
  });
});
