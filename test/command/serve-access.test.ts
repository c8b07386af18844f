import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { filesBelow, temporaryFolder } from "../support/folder.ts";
import { basic, startClosedWharf } from "../support/users.ts";
import { exchange, rawRequest } from "../protocol/support/raw.ts";

setDefaultTimeout(60_000);

describe("a server that asks for passwords says", () => {
  test("where its users stand, and what they may do", async () => {
    await using folder = await temporaryFolder();
    await using server = await startClosedWharf(folder, { users: { ann: "pw" } });
    expect(server.logs()).toContain(
      `  authentication  users of ${folder.at("users")}; every user may do everything\n`,
    );
  });

  test("how many rules there are, and that some pulls need none", async () => {
    await using folder = await temporaryFolder();
    const auth = { anonymousPull: ["public/**"], rules: [] };
    await using server = await startClosedWharf(folder, { users: {}, auth });
    expect(server.logs()).toContain("; 0 rules, some pulls without");
    expect(server.logs()).toContain("nobody can log in");
  });

  test("which rule is wrong, and does not start", async () => {
    await using folder = await temporaryFolder();
    const rules = [{ repositories: ["Team/*"], users: ["ann"], allow: ["pull"] }];
    const started = startClosedWharf(folder, { users: {}, auth: { rules } });
    const said = await started.then(String, String);
    expect(said).toContain('auth.rules.0.repositories.0: "Team/*" is no glob of repositories');
    expect(said).toContain("exit code 2");
  });
});

describe("a secret in any place for credentials", () => {
  const RIGHT = "c4n4ry-right-password";
  const canaries: string[] = [RIGHT];
  const canary = (place: string): string => {
    const word = `c4n4ry-${place}-${crypto.randomUUID()}`;
    canaries.push(word);
    return word;
  };

  /** Requests with a secret in each place where one may stand, by whatever mistake. */
  function requests(): Buffer[] {
    const encoded = (text: string): string => Buffer.from(text).toString("base64");
    const headers: readonly (readonly string[])[] = [
      [`Authorization: Basic ${encoded(`ann:${RIGHT}`)}`],
      [`Authorization: Basic ${encoded(`ann:${canary("wrong")}`)}`],
      [`Authorization: Basic ${encoded(`nobody:${canary("unknown")}`)}`],
      [`Authorization: Basic ${encoded(`${canary("in-place-of-user")}:`)}`],
      [`Authorization: Basic ${encoded(canary("no-colon"))}`],
      [`Authorization: Basic ${canary("not-base64")}`],
      [`Authorization: Bearer ${canary("bearer")}`],
      [`Authorization: Bearer eyJhbGciOiJub25lIn0.${encoded(canary("jwt"))}.`],
      [`Authorization: ${canary("no-scheme")}`],
      [`Authorization: Digest username="ann", response="${canary("digest")}"`],
      [
        `Authorization: Basic ${encoded(`ann:${RIGHT}`)}`,
        `Authorization: Basic ${canary("twice")}`,
      ],
      [`Proxy-Authorization: Basic ${encoded(`ann:${canary("proxy")}`)}`],
      [`Cookie: session=${canary("cookie")}`],
      [`X-Registry-Auth: ${encoded(canary("docker"))}`, `X-Auth-Token: ${canary("x-auth-token")}`],
      [`PRIVATE-TOKEN: ${canary("private-token")}`, `JOB-TOKEN: ${canary("job-token")}`],
      [`Referer: http://ann:${canary("referer")}@host/`],
    ];
    const targets = [
      ["GET", "/v2/"],
      ["GET", "/v2/team/app/manifests/v1"],
      ["DELETE", "/v2/team/app/manifests/v1"],
      ["POST", "/v2/team/app/blobs/uploads/"],
      ["GET", "/v2/Bad/manifests/v1"],
      ["GET", "/nowhere"],
      ["BREW", "/v2/"],
    ] as const;
    const queries = ["access_token", "token", "password", "account", "n", "digest", "mount"];
    return [
      ...headers.flatMap((lines) =>
        targets.map(([method, path]) => rawRequest(method, path, { headers: lines })),
      ),
      ...queries.flatMap((key) => [
        rawRequest("GET", `/v2/_catalog?${key}=${canary(key)}`),
        rawRequest("POST", `/v2/team/app/blobs/uploads/?${key}=${canary(key)}`, {
          headers: [`Authorization: Basic ${encoded(`ann:${RIGHT}`)}`],
        }),
      ]),
      rawRequest("GET", `http://ann:${canary("userinfo")}@registry.example/v2/`),
      rawRequest("GET", `http://ann:${canary("userinfo")}@registry.example/nowhere`),
      rawRequest("POST", "/v2/token", { body: `username=ann&password=${canary("form")}` }),
    ];
  }

  test("is written nowhere, and comes back in no answer that is not for whoever sent it", async () => {
    await using folder = await temporaryFolder();
    const settings = { log: { level: "debug", format: "json", access: "json" } };
    const options = { users: { ann: RIGHT }, settings };
    await using server = await startClosedWharf(folder, options);
    const port = Number(new URL(server.url).port);
    const answers: string[] = [];
    for (const request of requests()) {
      const answer = await exchange(port, request).catch(() => null);
      answers.push(JSON.stringify([...(answer?.headers ?? [])]) + (answer?.text ?? ""));
    }
    for (const path of ["/metrics", "/livez", "/readyz", "/", "/v2/_catalog", "/api/v1/check"]) {
      const answer = await fetch(server.url + path, { headers: basic("ann", RIGHT) });
      expect([path, answer.status]).toEqual([path, 200]);
      answers.push(await answer.text());
    }
    await server.stop();

    const files = await filesBelow(folder.path);
    const written = await Promise.all(
      files.map(async (file) => `${file}\n${await readFile(folder.at(file), "latin1")}`),
    );
    const found = (text: string): string[] =>
      canaries.filter((word) =>
        [word, Buffer.from(word).toString("base64").slice(2, -4)].some((form) =>
          text.includes(form),
        ),
      );
    expect(server.logs()).toContain("request");
    expect(found(server.logs())).toEqual([]);
    expect(written.flatMap(found)).toEqual([]);
    // A parameter that is malformed is quoted to whoever sent it; headers never are.
    const quoted = found(answers.join("\n")).filter((word) => !/-(?:n|digest|mount)-/.test(word));
    expect(quoted).toEqual([]);
    expect(canaries.length).toBeGreaterThan(30);
  });
});
