import { describe, expect, test } from "bun:test";
import { image } from "../../../test/support/image.ts";
import { failureOf } from "../../../test/support/failure.ts";
import { fill } from "../../../test/support/stand-ins/fill.ts";
import { startStandIn } from "../../../test/support/stand-ins/stand-in.ts";
import type { User } from "../../../test/support/stand-ins/users.ts";
import { schema } from "../../config/schema.ts";
import { collectInHarbor } from "./harbor.ts";

const ADMIN: User = { name: "admin", password: "Harbor12345", admin: true };

function world(password = ADMIN.password) {
  const standIn = startStandIn("harbor", { users: [ADMIN] });
  standIn.harbor?.addProject("app");
  const [entry] = schema.parse({
    registries: [
      { name: "h", url: standIn.url, username: "admin", password, collect: { with: "harbor" } },
    ],
  }).registries;
  if (!entry) throw new Error("the schema lost it");
  const stop = { asked: new AbortController(), hard: new AbortController() };
  const signals = { asked: stop.asked.signal, hard: stop.hard.signal };
  return { standIn, entry, stop, signals };
}

describe("the collector of Harbor", () => {
  test("lets it collect, and says what was freed; untagged artifacts stay unless that was said", async () => {
    const { standIn, entry, signals } = world();
    await using _ = standIn;
    fill(standIn.content, "app/web", image(), "1");
    fill(standIn.content, "app/web", image({ size: 5000 }));
    const done = await collectInHarbor(entry, {}, signals, () => undefined);
    expect(done).toMatchObject({ outcome: "done", reason: null, kept: 0 });
    expect(standIn.content.find("app/web")?.manifests.size).toBe(2);
  });

  test("ends its waiting when it shall stop, and leaves Harbor's collection alone", async () => {
    const { standIn, entry, stop, signals } = world();
    await using _ = standIn;
    stop.asked.abort();
    const done = await collectInHarbor(entry, {}, signals, () => undefined);
    expect(done).toMatchObject({ outcome: "stopped", bytes: null });
    expect(done.reason).toContain("it goes on there");
  });

  test("fails without the rights to it", async () => {
    const { standIn, entry, signals } = world("wrong");
    await using _ = standIn;
    const failure = await failureOf(collectInHarbor(entry, {}, signals, () => undefined));
    expect(failure.kind).toBe("CREDENTIALS");
  });
});
