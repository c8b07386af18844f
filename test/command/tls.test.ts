import { expect, setDefaultTimeout, test } from "bun:test";
import { copyFile, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { connect } from "node:tls";
import { type Pair, selfSigned, signedBy } from "../support/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { digestOf, randomBytes } from "../support/oci.ts";
import { type Server, startWharf } from "../support/server.ts";
import { openRequest } from "../support/wire.ts";

setDefaultTimeout(60_000);

interface Tls extends Pair {
  readonly clientCAs?: readonly string[];
  readonly minimum?: string;
}

/** `wharf serve` with these files. */
async function serveWith(folder: Folder, tls: Tls, more: object = {}): Promise<Server> {
  const file = folder.at("wharf.yaml");
  await writeFile(file, JSON.stringify({ tls, ...more }));
  const data = folder.at("data");
  return await startWharf({ data, args: [file], secure: true });
}

/** The common name of the certificate that a new connection is shown. */
function shownBy({ host }: Server): Promise<string> {
  const [hostname, port] = host.split(":");
  return new Promise((resolve, reject) => {
    const options = { host: hostname, port: Number(port), rejectUnauthorized: false };
    const socket = connect(options, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

/** The status of `GET /v2/`, or `refused` when the handshake fails. */
async function asked(server: Server, tls: object): Promise<number | "refused"> {
  const options = { tls: { rejectUnauthorized: false, ...tls }, keepalive: false };
  return await fetch(`${server.url}/v2/`, options).then(
    ({ status }) => status,
    () => "refused" as const,
  );
}

async function becomes(server: Server, name: string): Promise<string> {
  return await eventually(
    () => shownBy(server),
    (shown) => shown === name,
    20_000,
  );
}

group("TLS", ["openssl"], () => {
  test("answers whoever trusts its certificate, and nobody who speaks plain HTTP", async () => {
    await using folder = await temporaryFolder();
    const pair = await selfSigned(folder.path, "one");
    await using server = await serveWith(folder, pair);
    const ca = await Bun.file(pair.certificate).text();

    expect(await asked(server, { ca, rejectUnauthorized: true })).toBe(200);
    expect(await asked(server, { rejectUnauthorized: true })).toBe("refused");
    const plain = fetch(`http://${server.host}/v2/`).then(({ status }) => status);
    expect(await plain.catch(() => "refused")).toBe("refused");
    expect(server.logs()).toContain(`serves https://${server.host}`);
  });

  test("shows a new certificate when the files are replaced, and what is under way goes on", async () => {
    await using folder = await temporaryFolder();
    const one = await selfSigned(folder.path, "one");
    const two = await selfSigned(folder.path, "two");
    const live = { certificate: folder.at("live.crt"), key: folder.at("live.key") };
    await copyFile(one.certificate, live.certificate);
    await copyFile(one.key, live.key);
    await using server = await serveWith(folder, live);
    expect(await shownBy(server)).toBe("one");
    const bytes = randomBytes(300_000);
    const digest = digestOf(bytes);
    const path = `/v2/team/app/blobs/uploads/?digest=${digest}`;
    using upload = await openRequest("POST", server.url + path, {
      "content-length": String(bytes.byteLength),
    });
    await upload.send(bytes.subarray(0, 100_000));

    await rename(two.key, live.key);
    await rename(two.certificate, live.certificate);

    expect(await becomes(server, "two")).toBe("two");
    // The log comes by another way than what a client is shown: it may be later.
    const replaced = "the certificate was replaced";
    const logs = async (): Promise<string> => server.logs();
    expect(await eventually(logs, (text) => text.includes(replaced))).toContain(replaced);
    await upload.send(bytes.subarray(100_000));
    expect((await upload.answer()).status).toBe(201);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });

  test("follows a symbolic link that leads elsewhere, as Kubernetes swaps its secrets", async () => {
    await using folder = await temporaryFolder();
    for (const name of ["one", "two"]) {
      const pair = await selfSigned(await folder.folder(name), name);
      await rename(pair.certificate, folder.at(name, "tls.crt"));
      await rename(pair.key, folder.at(name, "tls.key"));
    }
    await symlink("one", folder.at("..data"));
    const live = {
      certificate: folder.at("..data", "tls.crt"),
      key: folder.at("..data", "tls.key"),
    };
    await using server = await serveWith(folder, live);
    expect(await shownBy(server)).toBe("one");

    await symlink("two", folder.at("..data_tmp"));
    await rename(folder.at("..data_tmp"), folder.at("..data"));

    expect(await becomes(server, "two")).toBe("two");
  });

  test("keeps the old certificate, and says so, when the new one is no use", async () => {
    await using folder = await temporaryFolder();
    const one = await selfSigned(folder.path, "one");
    const two = await selfSigned(folder.path, "two");
    await using server = await serveWith(folder, one);

    await copyFile(two.certificate, one.certificate);
    const logs = await eventually(
      async () => server.logs(),
      (text) => text.includes("the old one stays"),
      20_000,
    );

    expect(logs).toContain("is not the key of the certificate");
    expect(await shownBy(server)).toBe("one");

    await copyFile(two.key, one.key);
    expect(await becomes(server, "two")).toBe("two");
    const again = server.logs().split("the old one stays").length - 1;
    expect(again).toBe(1);
  });

  test("looks at the files at once on SIGHUP, and goes on as before when they are gone", async () => {
    await using folder = await temporaryFolder();
    const one = await selfSigned(folder.path, "one");
    const two = await selfSigned(folder.path, "two");
    await using server = await serveWith(folder, one);

    await copyFile(two.certificate, one.certificate);
    await copyFile(two.key, one.key);
    process.kill(server.pid, "SIGHUP");
    expect(await becomes(server, "two")).toBe("two");
    await rm(one.key);
    process.kill(server.pid, "SIGHUP");

    await eventually(
      async () => server.logs(),
      (text) => text.includes("the new configuration cannot be used"),
    );
    expect(await shownBy(server)).toBe("two");
  });

  test("wants a certificate from clients where their authorities are named", async () => {
    await using folder = await temporaryFolder();
    const server = await selfSigned(folder.path, "server");
    const authority = await selfSigned(folder.path, "authority");
    const known = await signedBy(authority, folder.path, "known");
    const stranger = await selfSigned(folder.path, "stranger");
    const credentials = async ({ certificate, key }: Pair) => ({
      cert: await Bun.file(certificate).text(),
      key: await Bun.file(key).text(),
    });
    // It is not up for the helper that waits, which has no certificate: the log says when.
    const file = folder.at("wharf.yaml");
    const tls = { ...server, clientCAs: [authority.certificate] };
    await writeFile(file, JSON.stringify({ tls, listen: "127.0.0.1:0", data: folder.at("data") }));
    const child = Bun.spawn([process.execPath, main, "serve", file], {
      stdout: "pipe",
      stderr: "pipe",
    });
    let logs = "";
    void (async () => {
      for await (const chunk of child.stderr) logs += new TextDecoder().decode(chunk);
    })();
    try {
      const url = await firstUrl(child.stdout);
      const running = { url } as Server;

      expect(await asked(running, await credentials(known))).toBe(200);
      expect(await asked(running, await credentials(stranger))).toBe("refused");
      expect(await asked(running, {})).toBe("refused");

      // A reload lets nobody in because the file is empty, or its end is not written yet.
      for (const [settings, says] of [
        [{ tls: server }, "restart if nobody shall need a certificate"],
        [{}, '"settings":["data","listen","tls"]'],
        [{ tls: server }, "restart if nobody shall need a certificate"],
      ] as const) {
        await writeFile(file, JSON.stringify(settings));
        logs = "";
        child.kill("SIGHUP");
        const heard = async (): Promise<string> => logs;
        expect(await eventually(heard, (text) => text.includes(says))).toContain(says);
        expect(await asked(running, {})).toBe("refused");
      }
      expect(await asked(running, await credentials(known))).toBe(200);
    } finally {
      child.kill();
      await child.exited;
    }
  });

  test.each([
    ["1.2", "1.2", 200],
    ["1.3", "1.2", "refused"],
    ["1.3", "1.3", 200],
  ])("of at least %s is %s: %p", async (minimum, spoken, expected) => {
    await using folder = await temporaryFolder();
    const pair = await selfSigned(folder.path, "one");
    await using server = await serveWith(folder, { ...pair, minimum });
    const [hostname, port] = server.host.split(":");
    const version = spoken === "1.2" ? "TLSv1.2" : "TLSv1.3";

    const result = await new Promise((resolve) => {
      const socket = connect(
        {
          host: hostname,
          port: Number(port),
          rejectUnauthorized: false,
          minVersion: version,
          maxVersion: version,
        },
        () => {
          resolve(200);
          socket.destroy();
        },
      );
      socket.on("error", () => resolve("refused"));
    });

    expect(result).toBe(expected);
  });

  test("does not share its port with another registry", async () => {
    await using folder = await temporaryFolder();
    const pair = await selfSigned(folder.path, "one");
    await using server = await serveWith(folder, pair);
    await mkdir(folder.at("other"));
    const file = folder.at("other", "wharf.yaml");
    await writeFile(
      file,
      JSON.stringify({ tls: pair, listen: server.host, data: folder.at("other", "data") }),
    );

    const second = Bun.spawnSync([process.execPath, main, "serve", file], { timeout: 20_000 });

    expect(second.exitCode).toBe(2);
    expect(second.stderr.toString()).toContain(`cannot listen on ${server.host}`);
    expect(await shownBy(server)).toBe("one");
  });

  test.each([
    [
      "no certificate",
      (pair: Pair) => writeFile(pair.certificate, "nothing"),
      "no PEM certificate",
    ],
    ["half a certificate", halved, "no PEM certificate"],
    ["no key", (pair: Pair) => writeFile(pair.key, "nothing"), "no PEM key"],
    ["a missing file", (pair: Pair) => rm(pair.key), "it cannot be read"],
  ])("with %s does not start, and says which file it is", async (_, spoil, message) => {
    await using folder = await temporaryFolder();
    const pair = await selfSigned(folder.path, "one");
    await spoil(pair);
    const file = folder.at("wharf.yaml");
    await writeFile(file, JSON.stringify({ tls: pair, data: folder.at("data") }));

    const started = Bun.spawnSync([process.execPath, main, "serve", file], { timeout: 20_000 });

    expect(started.exitCode).toBe(2);
    expect(started.stderr.toString()).toContain(message);
    expect(started.stderr.toString()).toContain(folder.path);
    expect(await Bun.file(folder.at("data", "wharfinger", "metadata.sqlite")).exists()).toBe(false);
  });
});

const main = new URL("../../src/main.ts", import.meta.url).pathname;

async function halved({ certificate }: Pair): Promise<void> {
  const text = await Bun.file(certificate).text();
  await writeFile(certificate, text.slice(0, text.length / 2));
}

/** Where a server says that it serves. */
async function firstUrl(output: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of output) {
    text += new TextDecoder().decode(chunk);
    const url = /serves (https:\/\/[^\s]+)/.exec(text)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`it ended: ${text}`);
}
