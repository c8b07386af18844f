import { beforeAll, describe, expect, test } from "bun:test";
import { image, index } from "../support/image.ts";
import { mediaTypes } from "../support/oci.ts";
import {
  artifactType,
  digest,
  emptyConfig,
  indexText,
  manifestText,
  pushBytes,
  putManifest,
  unknownDigest,
} from "./support/content.ts";
import type { Answer, Referrer } from "./support/http.ts";
import { nextOf } from "./support/pages.ts";
import { exchange, rawRequest } from "./support/raw.ts";
import { expectRefused } from "./support/refused.ts";
import { freshName, sharedRegistry } from "./support/registry.ts";

const registry = sharedRegistry();

/** The list, once it was seen to be an index. */
function referrersIn(answer: Answer): readonly Referrer[] {
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, mediaTypes.index]);
  const { manifests = [] } = answer.json();
  expect(JSON.parse(answer.text)).toEqual({
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests,
  });
  return manifests;
}

const referrers = async (name: string, of: string, query = "") =>
  referrersIn(await registry.ask("GET", `/v2/${name}/referrers/${of}${query}`));

async function repository(): Promise<string> {
  const name = freshName("referrers");
  await pushBytes(registry.url, name, emptyConfig.bytes);
  return name;
}

const subject = (of: string) => ({ mediaType: mediaTypes.image, digest: of, size: 5 });

describe("a manifest with a subject", () => {
  test("is acknowledged with OCI-Subject and listed with type, size and annotations", async () => {
    const name = await repository();
    const made = image();
    await made.push(registry.url, name, "v1");
    const annotations = { "org.example.format": "json" };
    const text = manifestText({
      subject: made.descriptor,
      artifactType: "application/vnd.example.sbom",
      annotations,
    });

    const put = await putManifest(registry.url, name, digest(text), text);

    expect([put.status, put.headers.get("oci-subject")]).toEqual([201, made.digest]);
    expect(await referrers(name, made.digest)).toEqual([
      {
        mediaType: mediaTypes.image,
        digest: digest(text),
        size: text.length,
        artifactType: "application/vnd.example.sbom",
        annotations,
      },
    ]);
    expect(await referrers(name, digest(text))).toEqual([]);
  });

  test("is acknowledged with OCI-Subject each time, also under a tag", async () => {
    const name = await repository();
    const text = manifestText({ subject: subject(unknownDigest) });
    for (const reference of ["a", "b", digest(text), "a"]) {
      expect(
        (await putManifest(registry.url, name, reference, text)).headers.get("oci-subject"),
      ).toBe(unknownDigest);
    }
    expect(await referrers(name, unknownDigest)).toHaveLength(1);
  });

  test("may come before its subject", async () => {
    const name = await repository();
    const later = manifestText({ annotations: { name } });
    const text = manifestText({ subject: subject(digest(later)) });
    expect((await putManifest(registry.url, name, digest(text), text)).status).toBe(201);
    expect(await referrers(name, digest(later))).toHaveLength(1);
    expect(
      (await putManifest(registry.url, name, "v1", later)).headers.get("oci-subject"),
    ).toBeNull();
    expect(await referrers(name, digest(later))).toHaveLength(1);
  });

  test("may be a referrer itself, and the subject of others", async () => {
    const name = await repository();
    const chain = [unknownDigest];
    for (let depth = 0; depth < 5; depth++) {
      const text = manifestText({ subject: subject(chain.at(-1)!) });
      await putManifest(registry.url, name, digest(text), text);
      chain.push(digest(text));
    }
    for (const [at, of] of chain.slice(0, -1).entries()) {
      expect((await referrers(name, of)).map((one) => one.digest)).toEqual([chain[at + 1]!]);
    }
  });

  const kinds: readonly [
    what: string,
    text: (of: string) => string,
    type: string,
    shown: string | undefined,
  ][] = [
    [
      "an image without an artifactType shows the type of its config",
      (of) => manifestText({ subject: subject(of) }),
      mediaTypes.image,
      mediaTypes.empty,
    ],
    [
      "an image with an empty artifactType does too",
      (of) => manifestText({ subject: subject(of), artifactType: "" }),
      mediaTypes.image,
      mediaTypes.empty,
    ],
    [
      "an index with an artifactType shows it",
      (of) => indexText([], { subject: subject(of), artifactType: "a/b" }),
      mediaTypes.index,
      "a/b",
    ],
    [
      "an index without one shows none",
      (of) => indexText([], { subject: subject(of) }),
      mediaTypes.index,
      undefined,
    ],
    [
      "an artifact of the deprecated kind shows its own",
      (of) =>
        JSON.stringify({ mediaType: artifactType, artifactType: "c/d", subject: subject(of) }),
      artifactType,
      "c/d",
    ],
  ];
  for (const [what, text, type, shown] of kinds) {
    test(what, async () => {
      const name = await repository();
      const made = text(digest(name));
      await putManifest(registry.url, name, digest(made), made, type);
      const [listed] = await referrers(name, digest(name));
      expect(listed).toEqual({
        mediaType: type,
        digest: digest(made),
        size: made.length,
        ...(shown !== undefined && { artifactType: shown }),
      });
      expect(Object.hasOwn(listed!, "annotations")).toBe(false);
    });
  }

  test("with sha512 works as with sha256", async () => {
    const name = await repository();
    const of = `sha512:${"ab".repeat(64)}`;
    const text = manifestText({ subject: subject(of) });
    expect(
      (await putManifest(registry.url, name, digest(text, "sha512"), text)).headers.get(
        "oci-subject",
      ),
    ).toBe(of);
    expect((await referrers(name, of)).map((one) => one.digest)).toEqual([digest(text, "sha512")]);
  });

  test("is listed in its own repository only, and not after its deletion", async () => {
    const [name, other] = [await repository(), await repository()];
    const text = manifestText({ subject: subject(unknownDigest) });
    await putManifest(registry.url, name, digest(text), text);
    expect(await referrers(other, unknownDigest)).toEqual([]);
    await registry.ask("DELETE", `/v2/${name}/manifests/${digest(text)}`);
    expect(await referrers(name, unknownDigest)).toEqual([]);
  });

  test("stays listed when its subject is deleted, and when the subject is an index", async () => {
    const name = await repository();
    const made = index([image()]);
    await made.push(registry.url, name, "v1");
    const text = manifestText({ subject: made.descriptor });
    await putManifest(registry.url, name, digest(text), text);
    expect((await registry.ask("DELETE", `/v2/${name}/manifests/${made.digest}`)).status).toBe(202);
    expect(await referrers(name, made.digest)).toHaveLength(1);
  });
});

describe("the list of referrers", () => {
  const name = "referrers/many";
  const types = ["text/html", 'application/vnd.example+json; a="b, c"', "ä&?#%"];
  const all: string[] = [];

  beforeAll(async () => {
    await pushBytes(registry.url, name, emptyConfig.bytes);
    for (let at = 0; at < 25; at++) {
      const text = manifestText({
        subject: subject(unknownDigest),
        artifactType: types[at % 3],
        annotations: { at: String(at) },
      });
      await putManifest(registry.url, name, digest(text), text);
      all.push(digest(text));
    }
    all.sort();
  });

  /** Follows Link to the end. */
  async function follow(query: string): Promise<string[]> {
    const found: string[] = [];
    let next: string | undefined = `/v2/${name}/referrers/${unknownDigest}${query}`;
    for (let pages = 0; next !== undefined; pages++) {
      expect(pages).toBeLessThan(30);
      const answer = await registry.ask("GET", next);
      found.push(...referrersIn(answer).map((one) => one.digest));
      next = nextOf(answer);
    }
    return found;
  }

  test("is empty, not a 404, for a subject, a repository or a name that nobody knows", async () => {
    expect(await referrers(name, digest("nobody"))).toEqual([]);
    expect(await referrers("referrers/nobody", unknownDigest)).toEqual([]);
    expect(await referrers("referrers/nobody", `sha512:${"0".repeat(128)}`)).toEqual([]);
  });

  for (const n of [1, 2, 7, 24, 25, 26, 1000, 1_000_000]) {
    test(`is the same in pages of ${n}`, async () => {
      expect(await follow(`?n=${n}`)).toEqual(all);
    });
  }

  test("comes whole without n, and without a Link", async () => {
    const answer = await registry.ask("GET", `/v2/${name}/referrers/${unknownDigest}`);
    expect(referrersIn(answer).map((one) => one.digest)).toEqual(all);
    expect([answer.headers.get("link"), answer.headers.get("oci-filters-applied")]).toEqual([
      null,
      null,
    ]);
  });

  for (const type of types) {
    test(`has only ${type} when that is asked for, and says so, on each page`, async () => {
      const query = `?artifactType=${encodeURIComponent(type)}`;
      const answer = await registry.ask(
        "GET",
        `/v2/${name}/referrers/${unknownDigest}${query}&n=4`,
      );
      expect(answer.headers.get("oci-filters-applied")).toBe("artifactType");
      expect(new Set(referrersIn(answer).map((one) => one.artifactType))).toEqual(new Set([type]));
      const expected = await follow(query);
      expect(expected).toHaveLength(types.indexOf(type) === 0 ? 9 : 8);
      expect(await follow(`${query}&n=3`)).toEqual(expected);
    });
  }

  test("is empty for a type that nobody has, and says that it was filtered", async () => {
    const answer = await registry.ask(
      "GET",
      `/v2/${name}/referrers/${unknownDigest}?artifactType=x/y`,
    );
    expect([referrersIn(answer), answer.headers.get("oci-filters-applied")]).toEqual([
      [],
      "artifactType",
    ]);
  });

  test("comes in several answers when its annotations are too large for one", async () => {
    const large = await repository();
    const expected: string[] = [];
    for (let at = 0; at < 20; at++) {
      const annotations = { at: String(at), pad: "x".repeat(at === 7 ? 7_000_000 : 700_000) };
      const text = manifestText({ subject: subject(unknownDigest), annotations });
      await putManifest(registry.url, large, digest(text), text);
      expected.push(digest(text));
    }
    const found: string[] = [];
    let answers = 0;
    for (
      let next: string | undefined = `/v2/${large}/referrers/${unknownDigest}`;
      next;
      answers++
    ) {
      const answer = await registry.ask("GET", next);
      const entries = referrersIn(answer);
      expect(answer.bytes.length < 5_000_000 || entries.length === 1).toBe(true);
      found.push(...entries.map((one) => one.digest));
      next = nextOf(answer);
    }
    expect(found).toEqual(expected.toSorted());
    expect(answers).toBeGreaterThan(3);
  });

  const bad: readonly [what: string, path: string, code: string][] = [
    ["a digest that is none", `/v2/${name}/referrers/latest`, "DIGEST_INVALID"],
    [
      "a digest in capitals",
      `/v2/${name}/referrers/${unknownDigest.toUpperCase()}`,
      "DIGEST_INVALID",
    ],
    ["a digest too short", `/v2/${name}/referrers/sha256:abc`, "DIGEST_INVALID"],
    [
      "an unknown algorithm",
      `/v2/${name}/referrers/md5:d41d8cd98f00b204e9800998ecf8427e`,
      "DIGEST_INVALID",
    ],
    ["a name in capitals", `/v2/Referrers/referrers/${unknownDigest}`, "NAME_INVALID"],
    [
      "two types",
      `/v2/${name}/referrers/${unknownDigest}?artifactType=a/b&artifactType=c/d`,
      "UNSUPPORTED",
    ],
    [
      "a type of ten kilobytes",
      `/v2/${name}/referrers/${unknownDigest}?artifactType=${"a".repeat(10_000)}`,
      "UNSUPPORTED",
    ],
    ["n that is no number", `/v2/${name}/referrers/${unknownDigest}?n=x`, "UNSUPPORTED"],
  ];
  for (const [what, path, code] of bad) {
    test(`is refused for ${what}`, async () => {
      const send = () => exchange(registry.port, rawRequest("GET", path));
      await expectRefused(registry, send, { status: 400, code });
    });
  }

  test("takes line ends in a type for a type, not for headers", async () => {
    const answer = await exchange(
      registry.port,
      rawRequest("GET", `/v2/${name}/referrers/${unknownDigest}?artifactType=a%0d%0aX-Evil:1&n=1`),
    );
    expect(referrersIn(answer!)).toEqual([]);
    expect(answer!.headers.get("x-evil")).toBeNull();
  });
});
