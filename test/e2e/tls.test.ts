import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFile, writeFile } from "node:fs/promises";
import { type Pair, selfSigned, signedBy } from "../support/certificates.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { downloadLarge, downloadSlowly, uploadLarge } from "../support/large.ts";
import { differences, multiPlatformImage, writeLayout } from "../support/layout.ts";
import { onLinux, peakMemory } from "../support/linux.ts";
import { run } from "../support/run.ts";
import { type Server, startWharf } from "../support/server.ts";
import { skopeoIn } from "../support/skopeo.ts";

setDefaultTimeout(120_000);
const MiB = 1_048_576;
/** Megabytes; far below the 256 MiB of one transfer. */
const bound = 200;

/** The helpers' own requests take the certificate as it is. */
const trusting = { NODE_TLS_REJECT_UNAUTHORIZED: "0" };

async function secureWharf(folder: Folder, tls: object): Promise<Server> {
  const file = folder.at("wharf.yaml");
  await writeFile(file, JSON.stringify({ tls }));
  return await startWharf({ data: folder.at("data"), args: [file], secure: true });
}

/** A folder as skopeo and docker have it for a host: `ca.crt`, and what the client shows. */
async function trustedIn(folder: Folder, authority: string, client?: Pair): Promise<string> {
  const path = await folder.folder("certs.d");
  await copyFile(authority, folder.at("certs.d", "ca.crt"));
  if (client) {
    await copyFile(client.certificate, folder.at("certs.d", "client.cert"));
    await copyFile(client.key, folder.at("certs.d", "client.key"));
  }
  return path;
}

group("skopeo over TLS", ["skopeo", "openssl"], () => {
  test("verifies the registry's certificate, and an image comes out as it went in", async () => {
    await using folder = await temporaryFolder();
    const pair = await selfSigned(folder.path, "registry");
    await using wharf = await secureWharf(folder, pair);
    const skopeo = await skopeoIn(folder);
    const { index } = await multiPlatformImage();
    await writeLayout(folder.at("in"), { v1: index });
    const trusted = await trustedIn(folder, pair.certificate);
    const image = `docker://${wharf.host}/team/app:v1`;
    const copy = ["copy", "--quiet", "--all", "--retry-times=0"];

    await skopeo.other(...copy, `--dest-cert-dir=${trusted}`, `oci:${folder.at("in")}:v1`, image);
    await skopeo.other(...copy, `--src-cert-dir=${trusted}`, image, `oci:${folder.at("out")}:v1`);

    expect(await differences(folder.at("out"), index)).toEqual([]);
    expect(skopeo.other("inspect", "--raw", image)).rejects.toThrow(/certificate/);
  });

  test("shows its own certificate where the registry wants one", async () => {
    await using folder = await temporaryFolder();
    const pair = await selfSigned(folder.path, "registry");
    const authority = await selfSigned(folder.path, "authority");
    const client = await signedBy(authority, folder.path, "client");
    await using wharf = await secureWharf(folder, pair);
    const skopeo = await skopeoIn(folder);
    const { index } = await multiPlatformImage();
    await writeLayout(folder.at("in"), { v1: index });
    const trusted = await trustedIn(folder, pair.certificate, client);
    const image = `docker://${wharf.host}/team/app:v1`;
    const tls = { ...pair, clientCAs: [authority.certificate] };
    await writeFile(folder.at("wharf.yaml"), JSON.stringify({ tls }));
    // From now on it wants one: the files of a certificate are read again, and so is who may sign it.
    process.kill(wharf.pid, "SIGHUP");
    while (!wharf.logs().includes("the configuration was read again")) await Bun.sleep(20);

    const copy = ["copy", "--quiet", "--all", "--retry-times=0", `--dest-cert-dir=${trusted}`];
    await skopeo.other(...copy, `oci:${folder.at("in")}:v1`, image);
    const without = run([
      "curl",
      "--silent",
      "--show-error",
      "--insecure",
      `https://${wharf.host}/v2/`,
    ]);

    expect(without).rejects.toThrow(/certificate|alert/);
  });
});

describe.skipIf(!onLinux)("transfers over TLS", () => {
  group("of 256 MiB", ["openssl"], () => {
    test("among readers that stand still take bounded memory", async () => {
      await using folder = await temporaryFolder();
      const pair = await selfSigned(folder.path, "registry");
      await using wharf = await secureWharf(folder, pair);
      const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
      Object.assign(process.env, trusting);
      try {
        const digest = await uploadLarge(wharf.url, "team/large", 256 * MiB);
        const until = new AbortController();
        const readers = Array.from({ length: 4 }, () =>
          downloadSlowly(wharf.url, "team/large", digest, until.signal),
        );
        const downloaded = await Promise.all(
          Array.from({ length: 2 }, () => downloadLarge(wharf.url, "team/large", digest)),
        );
        until.abort();
        const taken = await Promise.all(readers);

        expect(downloaded).toEqual([digest, digest]);
        for (const bytes of taken) expect(bytes).toBeLessThan(128 * MiB);
        expect(await peakMemory(wharf.pid)).toBeLessThan(bound);
      } finally {
        if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
        else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
      }
    });
  });
});
