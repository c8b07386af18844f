import { expect, test } from "bun:test";
import { schema } from "../config/schema.ts";
import { listenerWorld } from "./listener/listener-fixtures.ts";

const collect = { with: "tree", data: "/nowhere" };
const entry = (name: string, url: string) => ({ name, url, collect });
const entries = (...list: object[]) => schema.parse({ registries: list }).registries;

test("a registry that is taken out ends what goes on, and one that comes back does not begin beside it", async () => {
  const [one, two] = [entry("one", "127.0.0.1:1"), entry("two", "127.0.0.1:2")];
  await using world = listenerWorld({ registries: [one, two] });
  const { keepers } = world;
  await world.ask("POST", "/registries/one/gc");
  keepers.follow(entries(two));
  expect(keepers.of("one")).toBeNull();
  expect((await world.ask("POST", "/registries/one/gc")).status).toBe(404);
  keepers.follow(entries(one, two));
  expect(keepers.of("one")).toBeNull();
  await world.letGo();
  expect((await world.ask("POST", "/registries/one/gc")).text).toBe("GC started");
  expect(world.begun).toEqual(["collect one", "collect one"]);
});

test("events belong to the registry at their host, as people write it", async () => {
  const list = [
    entry("a", "registry.example.com"),
    entry("b", "http://hub:5000"),
    entry("c", "hub:5001"),
  ];
  await using world = listenerWorld({ registries: list });
  const whose = (...hosts: string[]) => world.keepers.whose({ hosts });
  expect(whose("registry.example.com")).toBe("a");
  expect(whose("hub:5000")).toBe("b");
  expect(whose("elsewhere", "hub:5001")).toBe("c");
  expect(whose("hub:5000", "hub:5001")).toBeNull();
  expect(whose("hub")).toBeNull();
});

test("all events are of the only registry there is", async () => {
  await using world = listenerWorld({ registries: [entry("a", "http://registry:5000")] });
  expect(world.keepers.whose({ hosts: ["localhost:5000"] })).toBe("a");
});
