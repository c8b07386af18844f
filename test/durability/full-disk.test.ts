import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { rm, stat, writeFile } from "node:fs/promises";
import { eventually } from "../support/eventually.ts";
import type { Folder } from "../support/folder.ts";
import { type Fixture, image } from "../support/image.ts";
import { notServed } from "../support/pull.ts";
import { type Server, startWharf } from "../support/server.ts";
import { fill, smallDisk, whyNoDisk } from "./support/small-disk.ts";

setDefaultTimeout(120_000);

const reason = await whyNoDisk();
if (reason !== null && process.env["CI"] === "true") throw new Error(reason);

/** Bytes. */
const RESERVE = 4 * 1024 * 1024;

async function mounted(options: string): Promise<Folder> {
  const made = await smallDisk(options);
  if (!made) throw new Error("the disk could not be mounted");
  return made;
}

/** The answer to the request that failed; null when all of the image was taken. */
async function refusal(
  url: string,
  name: string,
  tag: string,
  one: Fixture,
): Promise<Response | null> {
  for (const { bytes, descriptor } of one.blobs) {
    const address = `${url}/v2/${name}/blobs/uploads/?digest=${descriptor.digest}`;
    const response = await fetch(address, { method: "POST", body: bytes });
    if (response.status !== 201) return response;
  }
  const response = await fetch(`${url}/v2/${name}/manifests/${tag}`, {
    method: "PUT",
    headers: { "content-type": one.mediaType },
    body: one.bytes,
  });
  return response.status === 201 ? null : response;
}

/** Pushes until there is no room; returns what was acknowledged, by its tag. */
async function pushUntilFull(url: string, size: number): Promise<Map<string, Fixture>> {
  const taken = new Map<string, Fixture>();
  for (let at = 0; at < 2000; at++) {
    const one = image({ layers: 1, size });
    const refused = await refusal(url, "team/app", `t${at}`, one);
    if (refused) {
      expect(refused.status).toBe(507);
      expect(await refused.text()).toContain("disk is full");
      return taken;
    }
    taken.set(`t${at}`, one);
  }
  throw new Error("the disk did not become full");
}

async function expectAllServed(
  { url }: Server,
  images: ReadonlyMap<string, Fixture>,
): Promise<void> {
  for (const [tag, one] of images) {
    expect(await notServed(url, "team/app", tag, one)).toEqual([]);
  }
}

async function remove({ url }: Server, reference: string): Promise<number> {
  return (await fetch(`${url}/v2/team/app/manifests/${reference}`, { method: "DELETE" })).status;
}

function pushAgain({ url }: Server, tag: string, one: Fixture): Promise<boolean> {
  const push = async (): Promise<boolean> => (await refusal(url, "team/app", tag, one)) === null;
  return eventually(push, (taken) => taken);
}

describe.skipIf(reason !== null)(`a full disk${reason ? ` (${reason})` : ""}`, () => {
  test("refuses pushes with 507, and damages nothing; pulls and deletes go on, and pushes when there is room", async () => {
    await using small = await mounted("size=64m");
    const data = small.at("data");
    await using wharf = await startWharf({ data });
    const images = await pushUntilFull(wharf.url, 2_000_000);
    expect(images.size).toBeGreaterThan(10);
    await expectAllServed(wharf, images);
    // Of what pushes leave for deletes the last one may have taken all, as it looked before it wrote. The reserve
    // behind it is whole.
    expect(await fullReserve(data)).toBe(RESERVE);

    expect(await remove(wharf, "t0")).toBe(202);
    expect(await remove(wharf, images.get("t1")?.digest ?? "")).toBe(202);
    images.delete("t0");
    images.delete("t1");
    await expectAllServed(wharf, images);
    expect((await fetch(`${wharf.url}/v2/team/app/manifests/t0`)).status).toBe(404);

    // An operator makes room: here the bytes of an image that nothing needs any more go.
    await rm(small.at("data", "docker", "registry", "v2", "blobs"), { recursive: true });
    const again = image({ layers: 1, size: 2_000_000 });
    expect(await pushAgain(wharf, "again", again)).toBe(true);
    expect(await notServed(wharf.url, "team/app", "again", again)).toEqual([]);
  });

  test("that others have filled to the last byte: deletes use the reserve, which comes back", async () => {
    await using small = await mounted("size=64m");
    const data = small.at("data");
    let wharf = await startWharf({ data });
    try {
      const images = new Map(
        Array.from({ length: 60 }, (_, at) => [`t${at}`, image({ layers: 1, size: 20_000 })]),
      );
      for (const [tag, one] of images) await one.push(wharf.url, "team/app", tag);
      await eventually(
        () => reserveOf(data),
        (bytes) => bytes > 0,
      );

      const refused: number[] = [];
      for (const at of images.keys()) {
        if (images.size <= 10) break;
        await fill(small, "filler");
        const answer = await refusal(wharf.url, "team/app", "no", image({ size: 20_000 }));
        refused.push(answer?.status ?? 201);
        expect(await remove(wharf, at)).toBe(202);
        images.delete(at);
      }
      expect([...new Set(refused)]).toEqual([507]);
      await expectAllServed(wharf, images);
      await fill(small, "filler");

      // A restart on the full disk, after a kill: the log is larger than what is free.
      await wharf.stop("SIGKILL");
      wharf = await startWharf({ data });
      await expectAllServed(wharf, images);
      expect((await fetch(`${wharf.url}/v2/team/app/manifests/t0`)).status).toBe(404);
      expect(await remove(wharf, images.keys().next().value ?? "")).toBe(202);
      images.delete(images.keys().next().value ?? "");

      await rm(small.at("filler"));
      const again = image({ layers: 1, size: 2_000_000 });
      expect(await pushAgain(wharf, "again", again)).toBe(true);
      await expectAllServed(wharf, images.set("again", again));
      expect(await fullReserve(data)).toBe(RESERVE);
    } finally {
      await wharf.stop();
    }
  });

  test("that has no inodes left: the same", async () => {
    await using small = await mounted("size=256m,nr_inodes=2400");
    await takeFiles(small, "others", 800);
    await using wharf = await startWharf({ data: small.at("data") });
    const images = await pushUntilFull(wharf.url, 20_000);
    expect(images.size).toBeGreaterThan(10);
    await expectAllServed(wharf, images);
    // Others take the rest.
    await takeFiles(small, "rest");
    const refused = await refusal(wharf.url, "team/app", "no", image({ size: 20_000 }));
    expect(refused?.status).toBe(507);
    for (const tag of ["t0", "t1", "t2"]) {
      expect(await remove(wharf, tag)).toBe(202);
      images.delete(tag);
    }
    await expectAllServed(wharf, images);

    await rm(small.at("others"), { recursive: true });
    expect(await pushAgain(wharf, "again", image({ size: 20_000 }))).toBe(true);
    await expectAllServed(wharf, images);
  });
});

/** Files of somebody else, until there are no more to be had. */
async function takeFiles(disk: Folder, name: string, most = Infinity): Promise<void> {
  await disk.folder(name).catch(() => undefined);
  for (let at = 0; at < most; at++) {
    const made = await writeFile(disk.at(name, String(at)), "").then(
      () => true,
      () => false,
    );
    if (!made) return;
  }
}

/** Bytes of the reserve, as soon as it is whole. */
async function fullReserve(data: string): Promise<number> {
  return await eventually(
    () => reserveOf(data),
    (bytes) => bytes === RESERVE,
  );
}

async function reserveOf(data: string): Promise<number> {
  return await stat(`${data}/wharfinger/reserve`).then(
    ({ blocks }) => blocks * 512,
    () => 0,
  );
}
