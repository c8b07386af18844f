import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { appendFile, cp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import tar from "tar-stream";
import { parseName } from "../../src/oci/name.ts";
import { backUp, runBackup, runRestore } from "../support/backup.ts";
import { type Folder, filesBelow, temporaryFolder } from "../support/folder.ts";
import { type Fixture, image } from "../support/image.ts";
import { localRegistry } from "../support/local-registry.ts";
import { newTreeIn } from "../support/stored-tree.ts";
import { inTree } from "../support/tree.ts";

setDefaultTimeout(60_000);

/** A file of an archive as it shall stand there. */
type File = Partial<tar.Header> & { readonly name: string; readonly body?: string | Uint8Array };

async function pack(files: readonly File[]): Promise<Buffer> {
  const archive = tar.pack();
  const bytes = Array.fromAsync(archive as AsyncIterable<Buffer>);
  for (const { body = "", ...header } of files) archive.entry({ ...header }, Buffer.from(body));
  archive.finalize();
  return Buffer.concat(await bytes);
}

const TREE = "docker/registry/v2";
const HEX = "ab".repeat(32);
const BLOB = `${TREE}/blobs/sha256/ab/${HEX}/data`;
/** A blob whose name is right. */
const right = (text: string): File => {
  const hex = new Bun.CryptoHasher("sha256").update(text).digest("hex");
  return { name: `${TREE}/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`, body: text };
};

/** Restores it, which must fail with exit code 1 and leave no file behind. Returns what was said. */
async function refusalOf(source: string, ...more: string[]): Promise<string> {
  await using folder = await temporaryFolder();
  const { exit, err } = await runRestore(source, ...more, "--data", folder.at("to"), "--yes");
  const left = (await filesBelow(folder.path)).filter((path) => path !== "to/wharfinger/lock");
  expect({ exit, left }).toEqual({ exit: 1, left: [] });
  return err.join("\n");
}

describe("an archive that somebody has made up is refused, and nothing is created by it", () => {
  const cases: readonly [what: string, files: readonly File[], says: string][] = [
    ["a path that leads out", [{ name: "../../etc/cron.d/x", body: "x" }], "leads out"],
    ["a path that leads out in the middle", [{ name: `${TREE}/../../x` }], "leads out"],
    ["an absolute path", [{ name: "/etc/passwd", body: "x" }], "is an absolute path"],
    ["a drive's path", [{ name: "C:\\x", body: "x" }], "is an absolute path"],
    [
      "a symbolic link",
      [{ name: BLOB, type: "symlink", linkname: "/etc/shadow" }],
      "is a symbolic link",
    ],
    ["a hard link", [{ name: BLOB, type: "link", linkname: "/etc/shadow" }], "is a hard link"],
    ["a device", [{ name: "dev/sda", type: "block-device" }], "is no plain file"],
    ["a pipe", [{ name: "pipe", type: "fifo" }], "is no plain file"],
    ["a duplicate entry", [right("one"), right("one")], "is in it twice"],
    [
      "a wrong digest",
      [right("one"), { name: BLOB, body: "another" }],
      "has not the bytes of its digest",
    ],
    ["an empty blob with another's name", [{ name: BLOB }], "has not the bytes of its digest"],
    ["nothing of a registry", [{ name: "holiday.jpg", body: "x" }], "there is no registry in it"],
    [
      "two registries",
      [
        { ...right("one"), name: `a/${right("one").name}` },
        { ...right("two"), name: `b/${right("two").name}` },
      ],
      "it has two registries",
    ],
    [
      "a backup of a newer program",
      [{ name: "wharfinger/backup.json", body: '{"schemaVersion":2}' }],
      "it has version 2, this program knows 1",
    ],
    [
      "a document that is none",
      [{ name: "wharfinger/backup.json", body: "{" }],
      "its wharfinger/backup.json is not JSON",
    ],
    [
      "a document of something else",
      [{ name: "wharfinger/backup.json", body: '{"schemaVersion":1,"kind":"other"}' }],
      "is not one of ours",
    ],
    [
      "a document that is too large",
      [{ name: "wharfinger/backup.json", body: Buffer.alloc(17 * 1024 * 1024, " ") }],
      "too many",
    ],
  ];
  for (const [what, files, says] of cases) {
    test(what, async () => {
      await using folder = await temporaryFolder();
      await writeFile(folder.at("bad.tar"), await pack(files));
      expect(await refusalOf(folder.at("bad.tar"))).toContain(says);
    });
  }

  /** The header of one file, with bytes changed and its sum put right. */
  async function withHeader(change: (header: Buffer) => void): Promise<Buffer> {
    const bytes = await pack([right("one")]);
    const header = bytes.subarray(0, 512);
    change(header);
    header.fill(" ", 148, 156);
    const sum = header.reduce((all, byte) => all + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return bytes;
  }
  const headers: readonly [what: string, change: (header: Buffer) => void, says: string][] = [
    [
      "a file of 8 EiB",
      (header) => void header.write("\x80\0\0\0\x7f", 124, "latin1"),
      "it is cut off",
    ],
    [
      "a negative size",
      (header) => void header.fill(0xff, 124, 136).fill(0xf0, 135, 136),
      "it is damaged",
    ],
    ["a sparse file", (header) => void header.write("S", 156), "perhaps sparse"],
    [
      "a long name of 8 GiB",
      (header) => {
        header.write("L", 156);
        header.write("77777777777\0", 124);
      },
      "it is damaged",
    ],
  ];
  for (const [what, change, says] of headers) {
    test(what, async () => {
      await using folder = await temporaryFolder();
      await writeFile(folder.at("bad.tar"), await withHeader(change));
      expect(await refusalOf(folder.at("bad.tar"))).toContain(says);
    });
  }

  test("a sparse file as GNU tar writes it today", async () => {
    await using folder = await temporaryFolder();
    const bytes = await pack([{ ...right("one"), pax: { "GNU.sparse.major": "1" } }]);
    await writeFile(folder.at("bad.tar"), bytes);
    expect(await refusalOf(folder.at("bad.tar"))).toContain("is a sparse file");
  });

  for (const [what, content] of [
    ["an empty file", ""],
    ["text", "no archive ".repeat(100)],
    ["a broken gzip", "\x1f\x8b broken ".repeat(100)],
    ["a broken zstd", "\x28\xb5\x2f\xfd broken ".repeat(100)],
  ] as const) {
    test(what, async () => {
      await using folder = await temporaryFolder();
      await writeFile(folder.at("bad.tar"), content, "latin1");
      expect(await refusalOf(folder.at("bad.tar"))).toMatch(/damaged|cut off/);
    });
  }
});

describe("a backup that is not whole any more is refused, and nothing is created by it", () => {
  let place: Folder;
  let one: Fixture;
  beforeAll(async () => {
    place = await temporaryFolder();
    one = image({ layers: 2, size: 60_000 });
    {
      await using registry = await localRegistry({}, { data: place.at("data") });
      await one.push(registry.url, "team/app", "1");
    }
    for (const name of ["a.tar", "a.tar.gz", "a.tar.zst", "folder"]) {
      await backUp(place.at("data"), place.at(name));
    }
    return async () => await place[Symbol.asyncDispose]();
  });

  for (const name of ["a.tar", "a.tar.gz", "a.tar.zst"]) {
    test(`${name}, cut off anywhere`, async () => {
      await using folder = await temporaryFolder();
      const bytes = await readFile(place.at(name));
      const cuts = Array.from({ length: 40 }, (_, at) => Math.floor((bytes.length * at) / 40));
      // Also where a file of the archive ends, where nothing is missing from it.
      const ends =
        name === "a.tar" ? [bytes.length - 1024, bytes.length - 512, bytes.length - 1536] : [];
      for (const cut of [...cuts, ...ends]) {
        await writeFile(folder.at(name), bytes.subarray(0, cut));
        expect(await refusalOf(folder.at(name))).toMatch(/cut off|damaged|empty/);
      }
    });

    test(`${name}, with a byte changed`, async () => {
      await using folder = await temporaryFolder();
      const bytes = await readFile(place.at(name));
      for (let at = 700; at < bytes.length - 10_240; at += Math.floor(bytes.length / 25)) {
        const changed = Buffer.from(bytes);
        changed[at] = changed[at]! ^ 0x20;
        await writeFile(folder.at(name), changed);
        const { exit, err } = await runRestore(folder.at(name), "--data", folder.at("to"), "-n");
        // What nobody reads, such as the owner of a file, may be anything.
        if (exit !== 0) expect(err.join()).toContain("the backup cannot be used");
        else expect(err).toEqual([]);
      }
    });
  }

  const changes: readonly [what: string, change: (at: Folder) => Promise<void>, says: string][] = [
    [
      "a blob is gone",
      async (at) =>
        await rm(dirname(inTree(at.at("b")).blob(one.blobs[1]!.descriptor.digest)), {
          recursive: true,
        }),
      "which is not there",
    ],
    [
      "a link is gone",
      async (at) =>
        await rm(inTree(at.at("b")).layerLink("team/app", one.blobs[1]!.descriptor.digest)),
      "its links are not those of its list",
    ],
    [
      "a tag came",
      async (at) => {
        const tags = at.at("b", TREE, "repositories/team/app/_manifests/tags");
        await cp(join(tags, "1"), join(tags, "2"), { recursive: true });
      },
      "its links are not those of its list",
    ],
    [
      "its list was changed",
      async (at) => await appendFile(at.at("b/wharfinger/backup.list"), '{"blob":1}\n'),
      "its list",
    ],
    [
      "its list is gone",
      async (at) => await rm(at.at("b/wharfinger/backup.list")),
      "it has no list",
    ],
    [
      "a symbolic link stands in it",
      async (at) => await symlink("/etc", at.at("b/docker/x")),
      "neither a file nor",
    ],
  ];
  for (const [what, change, says] of changes) {
    test(`a folder: ${what}`, async () => {
      await using folder = await temporaryFolder();
      await cp(place.at("folder"), folder.at("b"), { recursive: true });
      await change(folder);
      expect(await refusalOf(folder.at("b"))).toContain(says);
    });
  }

  test("and none builds on it", async () => {
    await using folder = await temporaryFolder();
    const bytes = await readFile(place.at("a.tar"));
    await writeFile(folder.at("cut.tar"), bytes.subarray(0, 700));
    await newTreeIn(folder.at("data")).put(parseName("a"), image(), "1");
    for (const [since, says] of [
      [folder.at("cut.tar"), /cut off|no whole backup/],
      [folder.at("data"), /no whole backup/],
      [folder.at("none.tar"), /ENOENT/],
    ] as const) {
      const ran = await runBackup(
        folder.at("x.tar"),
        "--data",
        folder.at("data"),
        "--since",
        since,
      );
      expect([ran.exit, ran.err.join()]).toEqual([1, expect.stringMatching(says)]);
    }
  });
});
