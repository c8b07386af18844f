import { expect, test } from "bun:test";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { testIssuer, type TestIssuer } from "../../test/support/accounts.ts";
import { failureOf } from "../../test/support/failure.ts";
import type { RegistryError } from "../oci/errors.ts";
import { parseName } from "../oci/name.ts";
import type { Caller } from "./caller.ts";
import { grantsOf, parseScope } from "./scope.ts";

const app = parseName("app");
const other = parseName("other");

const scopes = (...texts: string[]): ReturnType<typeof grantsOf> =>
  grantsOf(texts.map((text) => parseScope(text)!));

async function issue(all: TestIssuer, by: Caller, ...texts: string[]): Promise<string> {
  return (await all.issuer.issue(by, scopes(...texts), false)).token;
}

async function refusal(work: () => Caller | Promise<Caller>): Promise<RegistryError> {
  const failure = await failureOf(Promise.try(work));
  expect(failure.kind).toBe("UNAUTHORIZED");
  return failure;
}

test("a token says who, for whom, until when and what, and has a name of its own", async () => {
  await using all = await testIssuer();
  all.accounts.add("ann", "pull *", "push app");
  const ann = all.accounts.find("ann")!;
  const asked = scopes(
    "repository:app:pull,push,delete",
    "repository:other:push",
    "registry:catalog:*",
  );
  const issued = await all.issuer.issue(ann, asked, false);
  const seconds = all.now / 1000;
  expect(decodeJwt(issued.token)).toMatchObject({
    iss: "wharfinger",
    sub: "ann",
    aud: "test",
    iat: seconds,
    nbf: seconds,
    exp: seconds + 300,
    access: [
      { type: "repository", name: "app", actions: ["pull", "push"] },
      { type: "registry", name: "catalog", actions: ["*"] },
    ],
  });
  expect(decodeProtectedHeader(issued.token)).toEqual({
    alg: "EdDSA",
    typ: "JWT",
    kid: all.key.id,
  });
  expect(issued.scope).toBe("repository:app:pull,push registry:catalog:*");
  expect([issued.expiresIn, issued.issuedAt, issued.refreshToken]).toEqual([300, all.now, null]);
  const again = await issue(all, ann, "repository:app:pull");
  expect(decodeJwt(again).jti).not.toBe(decodeJwt(issued.token).jti);
});

test("whoever shows it may do what it says, as long as he may himself", async () => {
  await using all = await testIssuer();
  const ann = all.accounts.add("ann", "pull *", "push app", "administer *");
  const token = await issue(all, all.accounts.find("ann")!, "repository:app:pull,push");
  const caller = await all.issuer.identify(token);
  expect(caller.name).toBe("ann");
  expect(caller.limited).toBe(true);
  expect([caller.may("pull", app), caller.may("push", app)]).toEqual([true, true]);
  expect([caller.may("pull", other), caller.may("administer", app)]).toEqual([false, false]);
  expect([caller.mayEverywhere("pull"), caller.mayEverywhere("administer")]).toEqual([
    false,
    false,
  ]);
  expect(caller.lists).toBeNull();

  ann.rights = ["pull *"];
  const later = await all.issuer.identify(token);
  expect([later.may("pull", app), later.may("push", app)]).toEqual([true, false]);
});

test("a token for the catalog lists what its owner may pull", async () => {
  await using all = await testIssuer();
  all.accounts.add("ann", "pull app");
  const token = await issue(all, all.accounts.find("ann")!, "registry:catalog:*");
  const caller = await all.issuer.identify(token);
  expect([caller.lists!(app), caller.lists!(other)]).toEqual([true, false]);
  expect(caller.may("pull", app)).toBe(false);
});

test("it dies with its user, with his password, and stays dead for another of his name", async () => {
  await using all = await testIssuer();
  const ann = all.accounts.add("ann", "pull *");
  const token = await issue(all, all.accounts.find("ann")!, "repository:app:pull");
  expect((await all.issuer.identify(token)).name).toBe("ann");
  ann.password = "another";
  await refusal(() => all.issuer.identify(token));
  all.accounts.users.delete("ann");
  await refusal(() => all.issuer.identify(token));
  all.accounts.add("ann", "pull *").password = "a third";
  await refusal(() => all.issuer.identify(token));
});

test("what was issued for an access token allows no more than that, and dies with it", async () => {
  await using all = await testIssuer();
  all.accounts.add("ann", "pull *", "push *", "delete *");
  const { tokens } = all.principals;
  const text = await all.accessToken({
    user: "ann",
    actions: ["push"],
    expires: all.now + 200_000,
  });
  const short = await all.issuer.issue(
    tokens.identify(text, "ann")!,
    scopes("repository:app:*"),
    true,
  );
  expect(short.scope).toBe("repository:app:push");
  expect((await all.issuer.identify(short.token)).may("push", app)).toBe(true);
  all.now += 200_000;
  await refusal(() => all.issuer.identify(short.token));
  await refusal(() => all.issuer.refresh(short.refreshToken!));

  const forever = await all.accessToken({ user: "ann" });
  const token = await issue(all, tokens.identify(forever, "ann")!, "repository:app:pull");
  expect((await all.issuer.identify(token)).may("pull", app)).toBe(true);
  await all.revoke();
  await refusal(() => all.issuer.identify(token));
});

test("nobody gets a token for what everybody may pull, and none for anything else", async () => {
  await using all = await testIssuer();
  const nobody: Caller = { name: null, may: () => false, mayEverywhere: () => false };
  await refusal(() => all.issuer.issue(nobody, scopes("repository:app:pull"), false) as never);
  all.accounts.anonymous = ["pull app"];
  const issued = await all.issuer.issue(
    nobody,
    scopes("repository:app:pull,push", "repository:other:pull"),
    true,
  );
  expect([issued.scope, issued.refreshToken]).toEqual(["repository:app:pull", null]);
  const caller = await all.issuer.identify(issued.token);
  expect([caller.name, caller.may("pull", app), caller.may("push", app)]).toEqual([
    null,
    true,
    false,
  ]);
  await refusal(() => all.issuer.issue(nobody, scopes("repository:other:pull"), false) as never);
  all.accounts.anonymous = [];
  await refusal(() => all.issuer.identify(issued.token));
});

test("a token is not made from a token that was issued", async () => {
  await using all = await testIssuer();
  all.accounts.add("ann", "pull *");
  const token = await issue(all, all.accounts.find("ann")!, "repository:app:pull");
  const caller = await all.issuer.identify(token);
  await refusal(() => all.issuer.issue(caller, scopes("repository:app:pull"), true) as never);
});

test("a refresh token is no access token, and the other way round; it lasts as long as the password", async () => {
  await using all = await testIssuer();
  const ann = all.accounts.add("ann", "pull *");
  const issued = await all.issuer.issue(
    all.accounts.find("ann")!,
    scopes("repository:app:pull"),
    true,
  );
  await refusal(() => all.issuer.identify(issued.refreshToken!));
  await refusal(() => all.issuer.refresh(issued.token));
  all.now += 365 * 86_400_000;
  expect((await all.issuer.refresh(issued.refreshToken!)).name).toBe("ann");
  await refusal(() => all.issuer.identify(issued.token));
  ann.password = "another";
  await refusal(() => all.issuer.refresh(issued.refreshToken!));
});

test("a token that no header could hold is not issued", async () => {
  await using all = await testIssuer();
  all.accounts.add("ann", "pull *");
  const many = Array.from({ length: 100 }, (_, at) => `repository:${"a".repeat(200)}/${at}:pull`);
  const failure = await failureOf(issue(all, all.accounts.find("ann")!, ...many));
  expect(failure.kind).toBe("PARAMETER_INVALID");
});

test("when the clock jumps, a token is worth nothing outside of its time, and good again inside", async () => {
  await using all = await testIssuer();
  all.accounts.add("ann", "pull *");
  const token = await issue(all, all.accounts.find("ann")!, "repository:app:pull");
  const issuedAt = all.now;
  const year = 365 * 86_400_000;
  const at = async (now: number): Promise<boolean> => {
    all.now = now;
    return Promise.try(() => all.issuer.identify(token)).then(
      () => true,
      () => false,
    );
  };
  expect(await at(issuedAt - year)).toBe(false);
  expect(await at(issuedAt + year)).toBe(false);
  // Also when it is remembered as genuine.
  expect(await at(issuedAt)).toBe(true);
  expect(await at(issuedAt - year)).toBe(false);
  expect(await at(issuedAt + year)).toBe(false);
  expect(await at(issuedAt - 10_000)).toBe(true);
  expect(await at(issuedAt - 10_001)).toBe(false);
  expect(await at(issuedAt + 299_999)).toBe(true);
  expect(await at(issuedAt + 300_000)).toBe(false);
});
