import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RegistryError } from "../../oci/errors.ts";
import { parseCredentialFile } from "./credential-file.ts";

function read(content: object) {
  return parseCredentialFile(JSON.stringify(content), "config.json");
}

function auth(text: string): string {
  return Buffer.from(text).toString("base64");
}

const me = { kind: "password", username: "me", password: "s:ecret", from: "config.json" } as const;

describe("a credential file", () => {
  test("has user and password in base64, and a password may have colons", () => {
    const { entries } = read({ auths: { "host:5000": { auth: auth("me:s:ecret") } } });

    expect(entries.get("host:5000")).toEqual(me);
  });

  test.each([
    ["https://host/v1/", "host"],
    ["https://host/v2/", "host"],
    ["http://host:5000", "host:5000"],
    ["host/", "host"],
    ["https://index.docker.io/v1/", "docker.io"],
    ["registry-1.docker.io", "docker.io"],
  ])("may name a host as %s", (key, host) => {
    expect([...read({ auths: { [key]: { auth: auth("me:x") } } }).entries.keys()]).toEqual([host]);
  });

  test("says it best with the plain host, wherever that stands", () => {
    const old = { auth: auth("old:x") };
    const plain = { auth: auth("me:s:ecret") };

    for (const auths of [
      { "https://host/v1/": old, host: plain },
      { host: plain, "https://host/v1/": old },
    ]) {
      expect(read({ auths }).entries.get("host")).toEqual(me);
    }
  });

  test("may have a user and a password in plain text, or tokens of two kinds", () => {
    const { entries } = read({
      auths: {
        plain: { username: "me", password: "s:ecret" },
        identity: { auth: auth("me:x"), identitytoken: "id" },
        registry: { registrytoken: "reg" },
      },
    });

    expect(entries.get("plain")).toEqual(me);
    expect(entries.get("identity")).toEqual({ kind: "identity", token: "id", from: "config.json" });
    expect(entries.get("registry")).toEqual({ kind: "bearer", token: "reg", from: "config.json" });
  });

  test("has no credentials in an entry that is empty, as helpers leave them", () => {
    expect(read({ auths: { host: {}, other: { auth: "" }, third: null } }).entries.size).toBe(0);
  });

  test("names helpers", () => {
    const { helpers, store } = read({ credHelpers: { host: "ecr" }, credsStore: "pass" });

    expect([...helpers]).toEqual([["host", "ecr"]]);
    expect(store).toBe("pass");
  });

  test("that is no JSON is refused without a word of its content", () => {
    for (const text of ['{"auths": hunter2', "hunter2", '["hunter2"]']) {
      let message = "";
      try {
        parseCredentialFile(text, "config.json");
      } catch (error) {
        message = error instanceof RegistryError ? error.message : "";
      }
      expect(message).toContain("config.json is not a JSON object");
      expect(message).not.toContain("hunter2");
    }
  });

  test("of any JSON is read or refused, never a crash", () => {
    fc.assert(
      fc.property(fc.json(), fc.jsonValue(), (text, auths) => {
        for (const one of [
          text,
          JSON.stringify({ auths, credHelpers: auths, credsStore: auths }),
        ]) {
          try {
            parseCredentialFile(one, "f");
          } catch (error) {
            expect(error).toBeInstanceOf(RegistryError);
          }
        }
      }),
    );
  });
});
