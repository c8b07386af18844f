import { describe, expect, test } from "bun:test";
import { failureOf } from "../../test/support/failure.ts";
import { image } from "../../test/support/image.ts";
import { fill } from "../../test/support/stand-ins/fill.ts";
import { startStandIn } from "../../test/support/stand-ins/stand-in.ts";
import type { User } from "../../test/support/stand-ins/users.ts";
import { parseAddress } from "./address.ts";
import { type Connection, openConnection } from "./connection.ts";
import { collectHarbor, harborGcHistory } from "./harbor-gc.ts";

const ADMIN: User = { name: "admin", password: "Harbor12345", admin: true };
const KEEPER: User = {
  name: "robot$keeper",
  password: "secret",
  system: ["garbage-collection:create", "garbage-collection:list", "garbage-collection:read"],
};
const NOBODY: User = { name: "robot$app+prune", password: "secret", projects: [] };
const SOON = { lookEvery: 1 };

function connect(url: string, { name: username, password }: User = ADMIN): Connection {
  const found = { kind: "password" as const, username, password, from: "the test" };
  return openConnection(parseAddress(url), { credentials: { find: async () => found } });
}

function harbor() {
  const standIn = startStandIn("harbor", { users: [ADMIN, KEEPER, NOBODY] });
  if (!standIn.harbor) throw new Error("it is one");
  standIn.harbor.addProject("app");
  return { standIn, gc: standIn.harbor.gc };
}

describe("Harbor's own collection", () => {
  test("is begun, followed to its end, and says what it freed", async () => {
    const { standIn } = harbor();
    await using _ = standIn;
    const gone = image({ size: 5000 });
    fill(standIn.content, "app/web", image(), "1");
    fill(standIn.content, "app/web", gone);
    const states: string[] = [];
    const { run, joined } = await collectHarbor(
      connect(standIn.url, KEEPER),
      { deleteUntagged: true },
      { ...SOON, each: ({ state }) => states.push(state) },
    );
    expect(joined).toBe(false);
    expect(states).toEqual(["running", "done"]);
    expect(run).toMatchObject({ state: "done", deleteUntagged: true, dryRun: false });
    expect(run.freed?.blobs).toBe(2);
    expect(run.freed?.bytes).toBeGreaterThan(5000);
    expect(standIn.content.find("app/web")?.manifests.size).toBe(1);
  });

  test("leaves untagged artifacts alone when told to", async () => {
    const { standIn } = harbor();
    await using _ = standIn;
    fill(standIn.content, "app/web", image());
    const { run } = await collectHarbor(connect(standIn.url), { deleteUntagged: false }, SOON);
    expect(run.freed).toEqual({ bytes: 0, blobs: 0, manifests: 0 });
    expect(standIn.content.find("app/web")?.manifests.size).toBe(1);
  });

  test("that goes on already is waited for, and no second one begun", async () => {
    const { standIn, gc } = harbor();
    await using _ = standIn;
    const going = gc.start("SCHEDULE", { delete_untagged: false });
    const { run, joined } = await collectHarbor(
      connect(standIn.url),
      { deleteUntagged: true },
      SOON,
    );
    expect({ id: run.id, joined, state: run.state }).toEqual({
      id: going.id,
      joined: true,
      state: "done",
    });
    expect(gc.runs).toHaveLength(1);
  });

  test("that somebody else began a moment before is waited for as well", async () => {
    const { standIn, gc } = harbor();
    await using _ = standIn;
    gc.refusesSecond = true;
    const history = gc.history.bind(gc);
    gc.history = (page, size) => {
      const answer = history(page, size);
      if (gc.runs.length === 0) gc.start("MANUAL", {}).status = "Running";
      return answer;
    };
    const { run, joined } = await collectHarbor(
      connect(standIn.url),
      { deleteUntagged: true },
      SOON,
    );
    expect([run.id, joined]).toEqual([1, true]);
  });

  for (const ending of ["Error", "Stopped"] as const) {
    test(`that ends with ${ending} is a result`, async () => {
      const { standIn, gc } = harbor();
      await using _ = standIn;
      gc.ending = ending;
      const { run } = await collectHarbor(connect(standIn.url), { deleteUntagged: true }, SOON);
      expect(run.state).toBe(ending === "Error" ? "failed" : "stopped");
      expect(run.freed).toBeNull();
    });
  }

  test("needs rights, and says which", async () => {
    const { standIn, gc } = harbor();
    await using _ = standIn;
    const work = collectHarbor(connect(standIn.url, NOBODY), { deleteUntagged: true }, SOON);
    const error = await failureOf(work);
    expect(error.kind).toBe("CREDENTIALS");
    expect(error.message).toContain("garbage-collection");
    expect(gc.runs).toEqual([]);
  });

  test("goes on when nobody waits for it any more", async () => {
    const { standIn, gc } = harbor();
    await using _ = standIn;
    gc.looks = 1_000_000;
    const stop = new AbortController();
    const work = collectHarbor(
      connect(standIn.url),
      { deleteUntagged: true },
      { lookEvery: 60_000, signal: stop.signal, each: () => stop.abort() },
    );
    expect((await failureOf(work)).kind).toBe("UNAVAILABLE");
    expect(gc.runs.map(({ status }) => status)).toEqual(["Running"]);
  });

  test("has a history, the newest first", async () => {
    const { standIn, gc } = harbor();
    await using _ = standIn;
    for (let n = 0; n < 12; n++) gc.start("MANUAL", {});
    const ids = (await harborGcHistory(connect(standIn.url), 3)).map(({ id }) => id);
    expect(ids).toEqual([12, 11, 10]);
  });
});
