import { expect, test } from "bun:test";
import type { Loaded } from "../../config/load.ts";
import { schema } from "../../config/schema.ts";
import { createKeepMetrics } from "../../keep/metrics.ts";
import { createLog } from "../../observe/log.ts";
import { type KeepInForce, reloadKeep } from "./reload.ts";

const REGISTRIES = [{ name: "hub", url: "http://127.0.0.1:1" }];

function reloaded(before: object, after: object): KeepInForce {
  const config = (keep: object) => schema.parse({ registries: REGISTRIES, keep });
  const inForce: KeepInForce = { config: config(before) };
  const keepers = { follow: () => undefined };
  const log = createLog(config({}).log, false, false);
  log.level = "silent";
  const metrics = createKeepMetrics();
  const parts = { inForce, keepers: keepers as never, metrics, log, environment: {} };
  reloadKeep(parts, () => ({ config: config(after), warnings: [] }) as unknown as Loaded);
  return inForce;
}

test("what only a restart applies is not in force before: where it listens decides whom it believes", () => {
  const before = { listen: "0.0.0.0:8080", state: "/var/lib/keep" };
  const { keep } = reloaded(before, {
    listen: "127.0.0.1:8080",
    state: "/elsewhere",
    eventToken: "t",
  }).config;

  expect(keep.listen).toEqual({ hostname: "0.0.0.0", port: 8080 });
  expect(keep.state).toBe("/var/lib/keep");
  expect(keep.eventToken).toBe("t");
});

test("passwords do not vanish with a reload", () => {
  const password = { username: "u", password: "p" };

  expect(reloaded(password, {}).config.keep.password).toBe("p");
  expect(reloaded({ eventToken: "t" }, {}).config.keep.eventToken).toBe("t");
  expect(reloaded({ eventToken: "t" }, password).config.keep.password).toBeUndefined();
});
