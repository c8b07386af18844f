import { expect, test } from "bun:test";
import { fakeRegistry } from "../../test/support/fake-registry.ts";
import { eventually } from "../../test/support/eventually.ts";
import { temporaryFolder } from "../../test/support/folder.ts";
import { schema } from "../config/schema.ts";
import { pruneRegistry } from "./prune.ts";
import { openKeepState } from "./state.ts";

test("a registry that answers nothing does not hold up a stop, as long as nothing was begun to be removed", async () => {
  await using folder = await temporaryFolder();
  const never = Promise.withResolvers<Response>();
  await using registry = fakeRegistry(async () => await never.promise);
  const config = schema.parse({
    keep: { state: folder.path },
    retention: [{ name: "all", repositories: ["**"], delete: [{ tags: ["*"] }] }],
    registries: [{ name: "hub", url: registry.url, type: "oci", retries: 0 }],
  });
  const [entry] = config.registries;
  if (!entry) throw new Error("the schema lost it");
  const state = openKeepState(folder.path);
  const stop = new AbortController();
  const signals = { asked: stop.signal, hard: new AbortController().signal };
  const context = {
    config,
    environment: {},
    times: (name: string) => state.timesOf(name),
    say: () => undefined,
    now: Date.now,
  };

  const run = pruneRegistry(entry, context, signals);
  await eventually(
    async () => registry.heard.length,
    (asked) => asked > 0,
  );
  stop.abort();

  expect(await run).toMatchObject({ outcome: "stopped", tags: 0, manifests: 0 });
  never.resolve(new Response("{}", { status: 404 }));
  state.close();
});
