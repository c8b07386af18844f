import { expect, test } from "bun:test";
import { parseName } from "../oci/name.ts";
import { accountsOf } from "./accounts.ts";
import { NOBODY } from "./caller.ts";
import type { Users } from "./htpasswd.ts";
import { compileRules } from "./rules.ts";

function usersWith(hashes: Readonly<Record<string, string>>): Users {
  return { hashes: new Map(Object.entries(hashes)), problems: [], torn: false };
}

/** Accounts whose file is read when `finish` is called, and not before. */
function accounts(first: Users) {
  let current: Users | Promise<Users> = first;
  const rules = compileRules({ anonymousPull: [], groups: {} });
  const made = accountsOf({
    rules,
    anonymous: false,
    source: { users: () => current },
    users: first,
    passwords: { identify: () => NOBODY, challenge: () => null },
    now: () => 0,
  });
  return {
    made,
    reading: (): ((users: Users) => Promise<void>) => {
      const { promise, resolve } = Promise.withResolvers<Users>();
      current = promise;
      return async (users) => {
        resolve(users);
        await promise;
        current = users;
      };
    },
  };
}

test("a user is found with his rights, and with a version that changes with his password", () => {
  const first = accounts(usersWith({ ann: "one" })).made.find("ann");
  expect(first?.may("push", parseName("app"))).toBe(true);
  const again = accounts(usersWith({ ann: "one" })).made.find("ann");
  const other = accounts(usersWith({ ann: "two" })).made.find("ann");
  expect(again?.credential).toEqual(first?.credential);
  expect(other?.credential).not.toEqual(first?.credential);
  expect(JSON.stringify(first?.credential)).not.toContain("one");
});

test("while the file is read, also the first time, those count who were read before", async () => {
  const { made, reading } = accounts(usersWith({ ann: "one" }));
  const finish = reading();
  expect(made.find("ann")?.name).toBe("ann");
  await finish(usersWith({ bob: "two" }));
  expect([made.find("ann"), made.find("bob")?.name]).toEqual([null, "bob"]);
});
