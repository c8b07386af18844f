import { describe, expect, test } from "bun:test";
import { type Config, schema } from "../../config/schema.ts";
import { compare } from "./compare.ts";

const config = (settings: object): Config => schema.parse(settings);
const changes = (before: object, after: object) => compare(config(before), config(after));
const tls = { certificate: "a.crt", key: "a.key" };

describe("another configuration", () => {
  test("that says the same changes nothing", () => {
    const same = { headers: { "X-A": ["1"] }, tls, log: { level: "warn" } };

    expect(changes(same, structuredClone(same))).toEqual({ applied: [], waiting: [] });
  });

  test("names each setting that differs, and which of them wait for a restart", () => {
    const after = {
      listen: "127.0.0.1:1",
      data: "/elsewhere",
      readOnly: true,
      debug: { listen: ":5001" },
      log: { level: "warn", format: "json", access: "json" },
      limits: { idle: "20s", requestsPerSecond: 5 },
    };

    expect(changes({}, after)).toEqual({
      applied: ["limits.requestsPerSecond", "log.access", "log.level", "readOnly"],
      waiting: ["data", "debug", "limits.idle", "listen", "log.format"],
    });
  });

  test("may have another certificate, but TLS is turned on and off by a restart", () => {
    expect(changes({ tls }, { tls: { ...tls, minimum: "1.3" } }).applied).toEqual(["tls"]);
    expect(changes({ tls }, {}).waiting).toEqual(["tls"]);
    expect(changes({}, { tls }).waiting).toEqual(["tls"]);
  });

  test("says no value, which may be a secret", () => {
    const after = { headers: { "X-Secret": ["hush"] } };

    expect(JSON.stringify(changes({}, after))).not.toContain("hush");
  });
});
