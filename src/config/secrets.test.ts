import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { hidden, type Secrets, withSecrets } from "./secrets.ts";

const secret = z.string().meta({ secret: true });
const schema = z.strictObject({
  password: secret.optional(),
  name: z.string().optional(),
  inner: z
    .strictObject({ headers: z.record(z.string(), z.array(z.string())).meta({ secret: true }) })
    .optional(),
  list: z.array(z.strictObject({ password: secret.default("") })).default([]),
});

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "wharf-test-"));
  await Bun.write(join(folder, "password"), "from a file\n");
  await Bun.write(join(folder, "headers"), "Authorization: [Bearer x]\n");
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function read(settings: Record<string, unknown>, environment: Record<string, string> = {}) {
  const secrets: Secrets = { values: [], faults: [] };
  return { settings: withSecrets(settings, schema, environment, secrets), ...secrets };
}

describe("${NAME} in a setting", () => {
  test("stands for a variable, anywhere in a text", () => {
    const { settings, values } = read(
      { password: "${P}", list: [{ password: "a ${P} b ${Q}" }] },
      { P: "pass", Q: "" },
    );

    expect(settings).toEqual({ password: "pass", list: [{ password: "a pass b " }] });
    expect(values).toContain("pass");
  });

  test("is replaced once: what a variable holds is not looked at again", () => {
    expect(read({ name: "${P}" }, { P: "${Q}", Q: "x" }).settings).toEqual({ name: "${Q}" });
  });

  test("is meant as it stands after another dollar", () => {
    expect(read({ name: "$${P} $P {P}" }, { P: "x" }).settings).toEqual({ name: "${P} $P {P}" });
  });

  test.each(["${NONE}", "${}", "${a b}", "${constructor}"])(
    "that is not set is a fault: %s",
    (name) => {
      expect(read({ list: [{ password: name }] }).faults).toEqual([
        expect.stringMatching(/^list\.0\.password: the variable .* is not set$/),
      ]);
    },
  );
});

describe("…File in place of a secret", () => {
  test("names the file that holds it, without the line's end", () => {
    const file = join(folder, "password");
    const { settings, values, faults } = read({
      passwordFile: file,
      list: [{ passwordFile: file }],
    });

    expect(settings).toEqual({ password: "from a file", list: [{ password: "from a file" }] });
    expect(values).toContain("from a file");
    expect(faults).toEqual([]);
  });

  test("may have its path from a variable", () => {
    const given = { passwordFile: "${DIR}/password" };

    expect(read(given, { DIR: folder }).settings).toEqual({ password: "from a file" });
  });

  test("holds YAML where the setting is more than a text", () => {
    expect(read({ inner: { headersFile: join(folder, "headers") } }).settings).toEqual({
      inner: { headers: { Authorization: ["Bearer x"] } },
    });
  });

  test("is not for what is no secret: the schema will not know it", () => {
    expect(read({ nameFile: "/x", list: "x" }).settings).toEqual({ nameFile: "/x", list: "x" });
  });

  test.each([
    [{ passwordFile: "/nowhere" }, "passwordFile: /nowhere cannot be read"],
    [{ passwordFile: ["x"] }, "passwordFile: must be the name of a file"],
    [{ password: "x", passwordFile: "/nowhere" }, "passwordFile: password is set as well"],
    [{ list: [{ passwordFile: "/nowhere" }] }, "list.0.passwordFile: /nowhere cannot be read"],
  ])("that cannot be taken is a fault: %p", (settings, fault) => {
    expect(read(settings).faults[0]).toStartWith(fault);
  });
});

test("what came from elsewhere is kept out of a message, the longer one first", () => {
  expect(hidden("a secretsecret b secret c", ["secret", "secretsecret", "b"])).toBe(
    "a ••• b ••• c",
  );
});
