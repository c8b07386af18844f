import { expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { type FolderGc, collectFolder, planFolder } from "../../src/gc/collect-folder.ts";
import { filesBelow, temporaryFolder } from "../support/folder.ts";

setDefaultTimeout(240_000);

/**
 * Random trees, and a second opinion about each: the slowest that there is, with nothing of ours in it, not
 * even the paths. It reads the files again for every question, and goes round until nothing changes.
 */

const NOW = Date.now();
const GRACE = 3_600_000;
const V2 = "docker/registry/v2";
const REPOSITORIES = ["a", "a/b", "c"] as const;
const LAYERS = ["one", "two", "three", "four", "five"] as const;

const hexOf = (bytes: string): string => createHash("sha256").update(bytes).digest("hex");
const blobFile = (hex: string): string => `${V2}/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
const repositoryOf = (name: string): string => `${V2}/repositories/${name}`;
const layerFile = (name: string, hex: string): string =>
  `${repositoryOf(name)}/_layers/sha256/${hex}/link`;
const revisionFile = (name: string, hex: string): string =>
  `${repositoryOf(name)}/_manifests/revisions/sha256/${hex}/link`;
const tagFolder = (name: string, tag: string): string =>
  `${repositoryOf(name)}/_manifests/tags/${tag}`;

const manifest = fc.record({
  in: fc.subarray([...REPOSITORIES], { minLength: 1 }),
  layers: fc.subarray([...LAYERS]),
  names: fc.array(fc.nat(5), { maxLength: 3 }),
  subject: fc.option(fc.nat(5), { freq: 2 }),
  tags: fc.subarray(["v1", "v2", "v3"], { maxLength: 2 }),
  past: fc.subarray(["v1", "v2"], { maxLength: 1 }),
  young: fc.boolean(),
  /** What is wrong with it, seldom: its link is empty, its bytes are missing, or its layers are not linked. */
  wrong: fc.option(fc.constantFrom("empty", "lost", "unlinked"), { freq: 8 }),
});
const tree = fc.record({
  manifests: fc.array(manifest, { maxLength: 8 }),
  links: fc.array(
    fc.record({
      in: fc.constantFrom(...REPOSITORIES),
      layer: fc.constantFrom(...LAYERS),
      young: fc.boolean(),
    }),
    { maxLength: 4 },
  ),
  youngBlobs: fc.subarray([...LAYERS]),
  lostBlobs: fc.subarray([...LAYERS], { maxLength: 1 }),
  youngTags: fc.boolean(),
});
type Tree = typeof tree extends fc.Arbitrary<infer T> ? T : never;

/** Some manifests are listed before they are there: their numbers lead to nothing. */
function write(root: string, { manifests, links, youngBlobs, lostBlobs, youngTags }: Tree): void {
  const put = (path: string, text: string, young = false): void => {
    const place = join(root, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, text);
    const at = new Date(young ? NOW - 60_000 : NOW - 30 * 86_400_000);
    utimesSync(place, at, at);
  };
  mkdirSync(join(root, V2, "blobs"), { recursive: true });
  mkdirSync(join(root, V2, "repositories"), { recursive: true });
  for (const layer of LAYERS) {
    if (!lostBlobs.includes(layer)) put(blobFile(hexOf(layer)), layer, youngBlobs.includes(layer));
  }
  for (const { in: name, layer, young } of links) {
    put(layerFile(name, hexOf(layer)), `sha256:${hexOf(layer)}`, young);
  }
  const made: string[] = [];
  const digest = (at: number): string => `sha256:${made[at] ?? hexOf(`nothing ${at}`)}`;
  for (const [at, one] of manifests.entries()) {
    const isIndex = one.names.length > 0;
    const kind = isIndex ? "index" : "manifest";
    const listed = isIndex
      ? { manifests: one.names.map((other) => ({ digest: digest(other), size: 1 })) }
      : { layers: one.layers.map((layer) => ({ digest: `sha256:${hexOf(layer)}`, size: 1 })) };
    const text = JSON.stringify({
      schemaVersion: 2,
      mediaType: `application/vnd.oci.image.${kind}.v1+json`,
      ...listed,
      ...(one.subject !== null && { subject: { digest: digest(one.subject), size: 1 } }),
      annotations: { at: String(at) },
    });
    const hex = hexOf(text);
    made.push(hex);
    if (one.wrong !== "lost") put(blobFile(hex), text);
    for (const name of one.in) {
      put(revisionFile(name, hex), one.wrong === "empty" ? "" : `sha256:${hex}`, one.young);
      for (const layer of isIndex || one.wrong === "unlinked" ? [] : one.layers) {
        if (!existsSync(join(root, layerFile(name, hexOf(layer)))))
          put(layerFile(name, hexOf(layer)), `sha256:${hexOf(layer)}`);
      }
      for (const tag of one.tags) {
        put(`${tagFolder(name, tag)}/current/link`, `sha256:${hex}`, youngTags);
        put(`${tagFolder(name, tag)}/index/sha256/${hex}/link`, `sha256:${hex}`);
      }
      for (const tag of one.past) {
        if (existsSync(join(root, tagFolder(name, tag))))
          put(`${tagFolder(name, tag)}/index/sha256/${hex}/link`, `sha256:${hex}`);
      }
    }
  }
}

interface Opinion {
  readonly whole: Set<string>;
  /** `repository kind hex` of what goes. */
  readonly going: Set<string>;
  readonly blobs: Set<string>;
}

function secondOpinion(root: string): Opinion {
  const names = (path: string): string[] =>
    existsSync(join(root, path)) ? readdirSync(join(root, path)) : [];
  const text = (path: string): string | null =>
    existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : null;
  const isYoung = (path: string): boolean => statSync(join(root, path)).mtimeMs >= NOW - GRACE;
  const opinion = { whole: new Set<string>(), going: new Set<string>(), blobs: new Set<string>() };
  const needed = new Set<string>();
  for (const name of REPOSITORIES) {
    const revisions = names(`${repositoryOf(name)}/_manifests/revisions/sha256`);
    const layers = names(`${repositoryOf(name)}/_layers/sha256`);
    const tags = names(`${repositoryOf(name)}/_manifests/tags`).map((tag) => ({
      path: tagFolder(name, tag),
      names: text(`${tagFolder(name, tag)}/current/link`)!.slice(7),
    }));
    const says = (hex: string) => JSON.parse(text(blobFile(hex)) ?? "{}");
    const listedBy = (hex: string): string[] =>
      [...(says(hex).layers ?? []), ...(says(hex).manifests ?? [])].map((one) =>
        one.digest.slice(7),
      );
    const broken =
      revisions.some(
        (hex) => text(revisionFile(name, hex)) === "" || text(blobFile(hex)) === null,
      ) || tags.some((tag) => !revisions.includes(tag.names));
    if (broken) {
      opinion.whole.add(name);
      const all = [...revisions, ...layers, ...tags.map((tag) => tag.names)];
      for (const hex of [...all, ...revisions.flatMap(listedBy)]) needed.add(hex);
      continue;
    }
    const stays = new Set<string>();
    for (let before = -1; before !== stays.size;) {
      before = stays.size;
      for (const hex of revisions) {
        const left = tags.some(
          ({ path, names: now }) =>
            now !== hex &&
            isYoung(`${path}/current/link`) &&
            names(`${path}/index/sha256`).includes(hex),
        );
        const subject = says(hex).subject?.digest.slice(7);
        if (
          tags.some((tag) => tag.names === hex) ||
          isYoung(revisionFile(name, hex)) ||
          left ||
          stays.has(subject) ||
          [...stays].some((other) => listedBy(other).includes(hex))
        )
          stays.add(hex);
      }
    }
    for (const hex of revisions) {
      if (stays.has(hex)) for (const one of [hex, ...listedBy(hex)]) needed.add(one);
      else opinion.going.add(`${name} manifest ${hex}`);
    }
    for (const hex of layers) {
      const listed = [...stays].some((other) => listedBy(other).includes(hex));
      if (listed || isYoung(layerFile(name, hex))) needed.add(hex);
      else opinion.going.add(`${name} link ${hex}`);
    }
  }
  for (const prefix of names(`${V2}/blobs/sha256`)) {
    for (const hex of names(`${V2}/blobs/sha256/${prefix}`)) {
      if (!needed.has(hex) && !isYoung(blobFile(hex))) opinion.blobs.add(hex);
    }
  }
  return opinion;
}

function how(folder: string): FolderGc {
  const rules = { grace: GRACE, untaggedAfter: undefined, purge: false, consent: true };
  return { folder, now: NOW, ...rules };
}

test("what a plan lets go of is what the slowest way to find out says", async () => {
  await fc.assert(
    fc.asyncProperty(tree, async (one) => {
      await using folder = await temporaryFolder();
      write(folder.path, one);
      const { whole, going, blobs } = secondOpinion(folder.path);

      const { look } = await planFolder(how(folder.path));

      const hex = (id: number): string => look.reader.blobs.digestOf(id).slice(7);
      const kept = look.repositories.filter(({ keptWhole }) => keptWhole !== null);
      expect(new Set(kept.map(({ name }) => String(name)))).toEqual(whole);
      expect(new Set([...look.garbage()].map(hex))).toEqual(blobs);
      // Of links without bytes there is only a number.
      const there = [...going].filter((line) =>
        existsSync(join(folder.path, blobFile(line.split(" ")[2]!))),
      );
      const planned = look.repositories.flatMap(({ name, letsGo }) => [
        ...letsGo.manifests.map((id) => `${name} manifest ${hex(id)}`),
        ...letsGo.links.map((id) => `${name} link ${hex(id)}`),
      ]);
      expect(new Set(planned)).toEqual(new Set(there));
    }),
    { numRuns: 100 },
  );
});

test("what a run removes is what the slowest way to find out says, and no other file", async () => {
  await fc.assert(
    fc.asyncProperty(tree, async (one) => {
      await using folder = await temporaryFolder();
      write(folder.path, one);
      const { going, blobs } = secondOpinion(folder.path);
      const gone = new Set([...blobs].map(blobFile));
      for (const line of going) {
        const [name = "", kind, hex = ""] = line.split(" ");
        gone.add(kind === "manifest" ? revisionFile(name, hex) : layerFile(name, hex));
      }
      const before = await filesBelow(folder.path);

      await collectFolder(how(folder.path), null, () => undefined);

      const left = new Set(await filesBelow(folder.path));
      // What tags have named before goes with it.
      const history = /\/_manifests\/tags\/[^/]+\/index\//;
      const content = before.filter((path) => !history.test(path));
      expect(content.filter((path) => !left.has(path)).toSorted()).toEqual([...gone].toSorted());
    }),
    { numRuns: 12 },
  );
});
