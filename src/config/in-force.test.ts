import { describe, expect, test } from "bun:test";
import { inForce } from "./in-force.ts";
import { schema } from "./schema.ts";

describe("what is in force", () => {
  test("without any setting is what stands in the documentation", () => {
    expect(inForce({}, schema)).toMatchObject({
      listen: "127.0.0.1:5000",
      data: "./data",
      delete: true,
      limits: { idle: "255s", uploads: 10_000 },
      log: { level: "info", fields: {} },
      notifications: { endpoints: [] },
    });
  });

  test("has no keys for what is unset", () => {
    expect(Object.keys(inForce({}, schema) as object)).not.toContain("auth");
    expect(inForce({ auth: {} }, schema)).toMatchObject({ auth: { realm: "Wharfinger" } });
    expect(inForce({ auth: "none" }, schema)).toMatchObject({ auth: "none" });
  });

  test("is a configuration again, that means the same", () => {
    const settings = {
      listen: ":1",
      auth: { rules: [{ repositories: ["a"], users: ["*"], allow: ["pull"] }] },
      limits: { head: "5s" },
      log: { fields: { a: "b" } },
    };

    expect(schema.parse(inForce(settings, schema))).toEqual(schema.parse(settings));
  });

  test("has no secrets, and still says whom they are for", () => {
    const url = "https://user:canary@hooks.example:8443/services/canary?canary#canary";
    const endpoint = { name: "a", url, headers: { Authorization: ["Bearer canary"] } };
    const shown = inForce({ notifications: { endpoints: [endpoint] } }, schema);

    expect(JSON.stringify(shown)).not.toContain("canary");
    expect(shown).toMatchObject({
      notifications: {
        endpoints: [{ url: "https://hooks.example:8443/•••", headers: { Authorization: ["•••"] } }],
      },
    });
  });
});
