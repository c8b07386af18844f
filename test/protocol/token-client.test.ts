import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { parseAddress } from "../../src/client/address.ts";
import type { Credentials } from "../../src/client/auth/credentials.ts";
import { type Connection, openConnection } from "../../src/client/connection.ts";
import { openDescriber } from "../../src/client/describe.ts";
import { listRepositories, listTags } from "../../src/client/lists.ts";
import { deleteManifest } from "../../src/client/manifests.ts";
import { parseName } from "../../src/oci/name.ts";
import { parseTag } from "../../src/oci/reference.ts";
import { failureOf } from "../support/failure.ts";
import { seed } from "./support/access.ts";
import { basic, issuingGate, type IssuingGate, type TokenAnswer } from "./support/issuing.ts";
import { type TestRegistry, startRegistry } from "./support/registry.ts";

/** Our own client at our own issuer. */
setDefaultTimeout(60_000);

const app = parseName("team/app");
let gate: IssuingGate;
let registry: TestRegistry;
beforeAll(async () => {
  gate = await issuingGate({
    issuer: {},
    anonymousPull: ["public/**"],
    rules: [
      { repositories: ["**"], users: ["seeder"], allow: ["pull", "push", "delete"] },
      { repositories: ["team/**"], users: ["ann"], allow: ["pull", "delete"] },
    ],
  });
  await gate.setUsers({ seeder: "seeder's:password", ann: "ann's" });
  registry = await startRegistry({ gate: gate.gate });
  for (const name of ["team/app", "public/app", "secret/app"]) await seed(registry, name, "seeder");
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await gate[Symbol.asyncDispose]();
});

function connected(credentials: Credentials | null): Connection {
  const find = async (): Promise<Credentials | null> => await Promise.resolve(credentials);
  return openConnection(parseAddress(registry.url, false), { credentials: { find } });
}

const ann: Credentials = { from: "tests", kind: "password", username: "ann", password: "ann's" };

test("lists, describes and deletes with a password", async () => {
  const connection = connected(ann);
  expect(await Array.fromAsync(listRepositories(connection))).toEqual(["public/app", "team/app"]);
  expect(await Array.fromAsync(listTags(connection, app))).toEqual(["v1"]);
  const described = await Array.fromAsync(openDescriber(connection).tags(app));
  expect(described.map(({ tag }) => tag)).toEqual(["v1"]);
  await deleteManifest(connection, app, parseTag("v1"));
  expect(await Array.fromAsync(listTags(connection, app))).toEqual([]);
});

test("does the same with an access token, as far as that goes", async () => {
  const password = await gate.accessToken({
    user: "seeder",
    repositories: ["secret/*"],
    actions: ["pull"],
  });
  const connection = connected({ from: "tests", kind: "password", username: "seeder", password });
  expect(await Array.fromAsync(listRepositories(connection))).toEqual(["secret/app"]);
  const secret = parseName("secret/app");
  expect(await Array.fromAsync(listTags(connection, secret))).toEqual(["v1"]);
  const failure = await failureOf(deleteManifest(connection, secret, parseTag("v1")));
  expect(failure.kind).toBe("CREDENTIALS");
});

test("exchanges a refresh token, as docker login stores it, for tokens", async () => {
  const path = "/token?service=wharfinger&offline_token=true";
  const { text } = await registry.ask("GET", path, {
    headers: basic("seeder", "seeder's:password"),
  });
  const { refresh_token: token = "" } = JSON.parse(text) as TokenAnswer;
  const connection = connected({ from: "tests", kind: "identity", token });
  expect(await Array.fromAsync(listTags(connection, parseName("secret/app")))).toEqual(["v1"]);
});

test("without credentials sees what is public, and is refused the rest", async () => {
  const connection = connected(null);
  expect(await Array.fromAsync(listRepositories(connection))).toEqual(["public/app"]);
  expect(await Array.fromAsync(listTags(connection, parseName("public/app")))).toEqual(["v1"]);
  const failure = await failureOf(Array.fromAsync(listTags(connection, parseName("secret/app"))));
  expect(failure.kind).toBe("CREDENTIALS");
});

test("with a wrong password is refused, and says so", async () => {
  const connection = connected({
    from: "tests",
    kind: "password",
    username: "ann",
    password: "wrong",
  });
  const failure = await failureOf(Array.fromAsync(listTags(connection, app)));
  expect(failure.kind).toBe("CREDENTIALS");
  expect(failure.message).not.toContain("wrong");
});
