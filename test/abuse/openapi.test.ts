import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { parse } from "yaml";
import { ROUTES } from "../../src/http/routes.ts";
import { ERRORS } from "../../src/oci/error-table.ts";
import { expectClean } from "../support/clean.ts";
import { temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { image } from "../support/image.ts";
import { clientPath } from "../support/peers.ts";
import { notServed } from "../support/pull.ts";
import { run } from "../support/run.ts";
import { startWharf } from "../support/server.ts";

setDefaultTimeout(60_000);

/** Others take longer: `SCHEMATHESIS=coverage,fuzzing,stateful npm test -- test/abuse/openapi`. */
const phases = process.env["SCHEMATHESIS"] ?? "fuzzing";

const file = join(import.meta.dir, "..", "..", "docs", "openapi.yaml");

interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, unknown>>;
}
type PathItem = Readonly<Record<string, Operation>>;
const description = parse(await Bun.file(file).text()) as {
  readonly paths: Readonly<Record<string, PathItem>>;
};

const METHODS = ["get", "head", "put", "post", "patch", "delete"];

const operations = Object.entries(description.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => method in item).map((method) => ({
    route: `${method.toUpperCase()} ${path}`,
    ...item[method]!,
  })),
);

describe("docs/openapi.yaml", () => {
  test("has every route, and no other", () => {
    const routes = ROUTES.map(({ method, pattern }) => `${method} ${pattern}`);

    expect(operations.map(({ route }) => route).toSorted()).toEqual(routes.toSorted());
  });

  test("gives each its own name, and statuses that can be", () => {
    const ids = operations.map(({ operationId }) => operationId);
    const errors = new Set(Object.values(ERRORS).map(({ status }) => status));

    expect(new Set(ids).size).toBe(ids.length);
    for (const { route, responses } of operations) {
      const statuses = Object.keys(responses).map(Number);
      expect([
        route,
        statuses.filter((status) => status >= 400 && !errors.has(status as never)),
      ]).toEqual([route, []]);
    }
  });
});

group("schemathesis", ["schemathesis"], () => {
  test("finds no answer that differs from the description, and no harm is done", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    await using server = await startWharf({ data });
    const made = image();
    await made.push(server.url, "safe/app", "v1");

    // Other checks than these say what they would have liked of requests that are no push or pull.
    const checks = [
      "not_a_server_error",
      "status_code_conformance",
      "content_type_conformance",
      "response_headers_conformance",
      "response_schema_conformance",
      "unsupported_method",
      "allow_header_conformance",
      "use_after_free",
    ];
    const said = await run(
      [
        clientPath("schemathesis"),
        "run",
        file,
        `--url=${server.url}`,
        `--checks=${checks.join(",")}`,
        `--phases=${phases}`,
        "--max-examples=5",
        "--seed=1",
        "--warnings=off",
        "--no-color",
      ],
      { cwd: folder.path, timeout: 110_000, env: { NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" } },
    );

    expect(said).toMatch(/\d+ generated, \d+ passed/);
    expect(await notServed(server.url, "safe/app", "v1", made)).toEqual([]);
    expect(server.logs()).not.toContain('"level":"error"');
    await server.stop();
    await expectClean(data);
  }, 120_000);
});
