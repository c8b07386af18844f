import { describe, expect, test } from "bun:test";
import { temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { image, index } from "../support/image.ts";
import { localRegistry } from "../support/local-registry.ts";
import { startDockerRegistry } from "../support/server.ts";
import { differenceTables } from "../support/stand-ins/difference-tables.ts";
import {
  DIFFERENCES,
  type DifferenceName,
  KINDS,
  type KindName,
} from "../support/stand-ins/differences.ts";
import { startStandIn } from "../support/stand-ins/stand-in.ts";

/** What a client can see of a registry without deleting anything, and of what deleting does. */
async function looks(url: string): Promise<Readonly<Record<string, unknown>>> {
  const [one, two] = [image(), image()];
  const list = index([two]);
  await one.push(url, "app/one", "a", "b");
  await list.push(url, "app/one", "list");
  const accept = `${one.mediaType}, ${list.mediaType}`;
  const ask = async (method: string, path: string): Promise<Response> =>
    await fetch(url + path, { method, headers: { accept } });
  const tags = async (): Promise<unknown> => {
    const answer = await ask("GET", "/v2/app/one/tags/list");
    if (!answer.ok) return answer.status;
    return ((await answer.json()) as { tags: string[] | null }).tags?.toSorted() ?? null;
  };
  const found: Record<string, unknown> = {
    catalog: (await ask("GET", "/v2/_catalog")).status,
    "catalog, too many": (await ask("GET", "/v2/_catalog?n=5000")).status,
    page: (await ask("GET", "/v2/app/one/tags/list?n=1")).headers.get("link") !== null,
    "HEAD has a digest": (await ask("HEAD", "/v2/app/one/manifests/a")).headers.has(
      "docker-content-digest",
    ),
    "GET has a digest": (await ask("GET", "/v2/app/one/manifests/a")).headers.has(
      "docker-content-digest",
    ),
    "not accepted": (await fetch(`${url}/v2/app/one/manifests/a`)).status,
    absent: (await ask("GET", "/v2/app/one/manifests/none")).status,
    "absent repository": (await ask("GET", "/v2/none/tags/list")).status,
    referrers: (await ask("GET", `/v2/app/one/referrers/${one.digest}`)).status,
    child: (await ask("DELETE", `/v2/app/one/manifests/${two.digest}`)).status,
  };
  found["tag"] = (await ask("DELETE", "/v2/app/one/manifests/a")).status;
  found["after the tag"] = await tags();
  found["manifest"] = (await ask("DELETE", `/v2/app/one/manifests/${one.digest}`)).status;
  found["once more"] = (await ask("DELETE", `/v2/app/one/manifests/${one.digest}`)).status;
  found["after the manifest"] = await tags();
  found["index"] = (await ask("DELETE", `/v2/app/one/manifests/${list.digest}`)).status;
  found["after all"] = await tags();
  return found;
}

/** What ours shows; the others are described by what is different. */
const USUAL = {
  catalog: 200,
  "catalog, too many": 200,
  page: true,
  "HEAD has a digest": true,
  "GET has a digest": true,
  "not accepted": 200,
  absent: 404,
  "absent repository": 404,
  referrers: 200,
  child: 202,
  tag: 202,
  "after the tag": ["b", "list"],
  manifest: 202,
  "once more": 404,
  "after the manifest": ["list"],
  index: 202,
  "after all": 404,
};

const SEEN: Readonly<Record<KindName, Readonly<Record<string, unknown>>>> = {
  "registry-2.8": {
    "catalog, too many": 400,
    page: false,
    "not accepted": 404,
    referrers: 404,
    tag: 400,
    "after the tag": ["a", "b", "list"],
    "after all": null,
  },
  "registry-3": {
    "catalog, too many": 400,
    "not accepted": 404,
    referrers: 404,
  },
  harbor: { tag: 400, "after the tag": ["a", "b", "list"] },
  zot: { child: 405 },
  ghcr: {
    catalog: 404,
    "catalog, too many": 404,
    referrers: 404,
    child: 405,
    tag: 405,
    "after the tag": ["a", "b", "list"],
    manifest: 405,
    "once more": 405,
    "after the manifest": ["a", "b", "list"],
    index: 405,
    "after all": ["a", "b", "list"],
  },
  gitlab: { referrers: 404, child: 409, "after all": [] },
  ecr: { "catalog, too many": 400, "GET has a digest": false },
  "ecr-2023": {
    "catalog, too many": 400,
    "GET has a digest": false,
    child: 404,
    tag: 404,
    "after the tag": ["a", "b", "list"],
    manifest: 404,
    "after the manifest": ["a", "b", "list"],
    index: 404,
    "after all": ["a", "b", "list"],
  },
  quay: { tag: 405, "after the tag": ["a", "b", "list"] },
  acr: { "after the tag": ["list"], manifest: 404 },
  nexus: { referrers: 404 },
  artifactory: { "HEAD has a digest": false, referrers: 406 },
  proxied: { "HEAD has a digest": false, referrers: 404 },
};

describe("stand-ins show what their differences say", () => {
  for (const kind of Object.keys(KINDS) as KindName[]) {
    test(KINDS[kind].title, async () => {
      // The differences about how often and by whom are tested where they matter.
      await using standIn = startStandIn(kind, { less: ["sometimes-429"] });
      expect(await looks(standIn.url)).toEqual({ ...USUAL, ...SEEN[kind] });
    });
  }
});

group("the real registry 2.8 shows the same as its stand-in", ["docker-registry"], () => {
  test("in all that is looked at", async () => {
    await using folder = await temporaryFolder();
    await using registry = await startDockerRegistry(folder.at("data"));
    expect(await looks(registry.url)).toEqual({ ...USUAL, ...SEEN["registry-2.8"] });
  });
});

test("and ours shows none, but that it keeps what an index needs", async () => {
  await using registry = await localRegistry();
  expect(await looks(registry.url)).toMatchObject({ ...USUAL, child: 405, "after all": [] });
});

test("every difference is one of some kind, has a source, and says so in one sentence", () => {
  const used = new Set<DifferenceName>(Object.values(KINDS).flatMap((kind) => kind.differences));
  expect((Object.keys(DIFFERENCES) as DifferenceName[]).filter((name) => !used.has(name))).toEqual(
    [],
  );
  for (const { says, source } of Object.values(DIFFERENCES)) {
    expect(source).toMatch(/^https:\/\/\S+$/);
    expect(says).toMatch(/^[a-z][^.]*(?:\.[^. ]+[^.]*)*$/);
  }
});

test("docs/registry-differences.md shows these tables", async () => {
  const page = await Bun.file("docs/registry-differences.md").text();
  const [, shown] = /<!-- differences -->\n(.*)<!-- end -->/s.exec(page) ?? [];
  expect(shown?.trim()).toBe(differenceTables().trim());
});
