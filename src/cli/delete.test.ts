import { describe, expect, test } from "bun:test";
import { type Person, type Ran, runCommand } from "../../test/support/command.ts";
import { fakeRegistry, ociError } from "../../test/support/fake-registry.ts";
import { type Fixture, image, index } from "../../test/support/image.ts";
import { type LocalRegistry, localRegistry } from "../../test/support/local-registry.ts";
import { deleteCommand } from "./delete.ts";

async function run(
  registry: { readonly url: string },
  args: readonly string[],
  person: Person = {},
): Promise<Ran> {
  const environment = { WHARF_REGISTRY: registry.url };
  return await runCommand(deleteCommand, args, { environment, ...person });
}

/** Our registry with one image under the tags 1 and latest, and another under 2. */
async function stocked(): Promise<{ registry: LocalRegistry; one: Fixture; two: Fixture }> {
  const registry = await localRegistry();
  const [one, two] = [image(), image()];
  await one.push(registry.url, "app", "1", "latest");
  await two.push(registry.url, "app", "2");
  return { registry, one, two };
}

async function tagsOf({ url }: LocalRegistry): Promise<string[]> {
  const answer = await fetch(`${url}/v2/app/tags/list`);
  return ((await answer.json()) as { tags: string[] }).tags;
}

async function has({ url }: LocalRegistry, reference: string): Promise<boolean> {
  return (await fetch(`${url}/v2/app/manifests/${reference}`, { method: "HEAD" })).ok;
}

describe("wharf delete REPO:TAG", () => {
  test("deletes the tag alone: its manifest and the other tags stay", async () => {
    const { registry, one } = await stocked();
    await using _ = registry;

    const { exit, out, err } = await run(registry, ["app:1", "--yes"]);

    expect([exit, out]).toEqual([0, ["deleted app:1"]]);
    expect(err.join("\n")).toContain("only the tag goes; the manifest stays for latest");
    expect(await tagsOf(registry)).toEqual(["2", "latest"]);
    expect(await has(registry, one.digest)).toBe(true);
  });

  test("keeps the manifest also of the last tag, and says that no tag keeps it", async () => {
    const { registry, two } = await stocked();
    await using _ = registry;

    const { err } = await run(registry, ["app:2", "-f"]);

    expect(err.join("\n")).toContain("no other tag keeps its manifest");
    expect(await tagsOf(registry)).toEqual(["1", "latest"]);
    expect(await has(registry, two.digest)).toBe(true);
  });

  test("finds the registry in the image's name, whatever the environment says", async () => {
    const { registry } = await stocked();
    await using _ = registry;
    const person = { environment: { WHARF_REGISTRY: "127.0.0.1:1" } };

    const { exit } = await run(registry, [`${registry.host}/app:2`, "--yes"], person);

    expect(exit).toBe(0);
    expect(await tagsOf(registry)).toEqual(["1", "latest"]);
  });
});

describe("wharf delete REPO@DIGEST", () => {
  test("deletes the manifest with every tag on it, after naming them", async () => {
    const { registry, one } = await stocked();
    await using _ = registry;

    const { exit, err } = await run(registry, [`app@${one.digest}`, "--yes"]);

    expect(exit).toBe(0);
    expect(err.join("\n")).toContain("the manifest goes, and with it 2 tags: 1, latest");
    expect(await tagsOf(registry)).toEqual(["2"]);
    expect(await has(registry, one.digest)).toBe(false);
  });

  test("that an index needs is refused with 5, and stays", async () => {
    await using registry = await localRegistry();
    const child = image();
    await index([child]).push(registry.url, "app", "multi");

    const { exit, err } = await run(registry, [`app@${child.digest}`, "--yes"]);

    expect(exit).toBe(5);
    expect(err.join("\n")).toContain("still needs this content");
    expect(await has(registry, child.digest)).toBe(true);
  });
});

describe("before anything is deleted", () => {
  test("a person is asked, in numbers, and yes is yes", async () => {
    const { registry, two } = await stocked();
    await using _ = registry;

    for (const no of ["", "n", "no", "yep", "\u0000y"]) {
      const { exit, asked, out } = await run(registry, ["app:1", "app:latest"], { answers: no });
      expect([exit, asked, out]).toEqual([2, ["Delete 2 tags? [y/N] "], []]);
    }
    expect(await tagsOf(registry)).toHaveLength(3);

    const images = ["app:1", `app@${two.digest}`];
    const { exit, asked } = await run(registry, images, { answers: " Yes " });
    expect(asked).toEqual(["Delete 1 tag and 1 manifest (with 1 tag)? [y/N] "]);
    expect(exit).toBe(0);
    expect(await tagsOf(registry)).toEqual(["latest"]);
  });

  test("Ctrl-C instead of an answer is no", async () => {
    const { registry } = await stocked();
    await using _ = registry;
    const abort = () => Promise.reject(new DOMException("Aborted with Ctrl+C", "AbortError"));

    const { exit, err } = await run(registry, ["app:1"], { answers: abort });

    expect(exit).toBe(2);
    expect(err.join("\n")).toContain("nothing was deleted");
    expect(await tagsOf(registry)).toHaveLength(3);
  });

  test("nobody to ask means no, with the plan and what to add", async () => {
    const { registry } = await stocked();
    await using _ = registry;

    const { exit, out, err } = await run(registry, ["app:1"]);

    expect([exit, out]).toEqual([2, []]);
    expect(err.join("\n")).toContain("app:1");
    expect(err.at(-1)).toContain("nothing was deleted; there is no terminal to ask, add --yes");
    expect(await tagsOf(registry)).toHaveLength(3);
  });

  test("a dry run shows the plan on stdout and does nothing, also with --yes", async () => {
    const { registry } = await stocked();
    await using _ = registry;

    for (const flags of [["-n"], ["--dry-run", "--yes"]]) {
      const { exit, out, asked } = await run(registry, ["app:1", ...flags], { answers: "y" });
      expect([exit, asked]).toEqual([0, []]);
      expect(out.join("\n")).toContain("only the tag goes");
    }
    expect(await tagsOf(registry)).toHaveLength(3);
  });

  test("a name that does not say what shall go is refused, and nothing of the line is done", async () => {
    const { registry } = await stocked();
    await using _ = registry;

    for (const wrong of ["app", "app:", "App:1", "app:1@sha256:12", "https://host/app:1"]) {
      expect((await run(registry, ["app:1", wrong, "--yes"])).exit).toBe(2);
    }
    expect((await run(registry, ["--yes"])).exit).toBe(2);
    expect(await tagsOf(registry)).toHaveLength(3);
  });
});

describe("several images", () => {
  test("of which one is not there: the others go, and the end is 3", async () => {
    const { registry } = await stocked();
    await using _ = registry;

    const { exit, out, err } = await run(registry, ["app:1", "app:gone", "app:2", "--yes"]);

    expect([exit, out]).toEqual([3, ["deleted app:1", "deleted app:2"]]);
    expect(err.join("\n")).toContain("failed app:gone: manifest unknown");
    expect(err.at(-1)).toContain("2 of 3 images were deleted");
    expect(await tagsOf(registry)).toEqual(["latest"]);
  });

  test("of which none is there end with 1, and nobody is asked", async () => {
    const { registry } = await stocked();
    await using _ = registry;

    const { exit, asked } = await run(registry, ["app:a", "nowhere:b"], { answers: "y" });

    expect([exit, asked]).toEqual([1, []]);
  });

  test("a tag and its digest both go, and nothing fails over the other", async () => {
    const { registry, one } = await stocked();
    await using _ = registry;

    const { exit } = await run(registry, [`app@${one.digest}`, "app:1", "app:1", "-y"]);

    expect(exit).toBe(0);
    expect(await tagsOf(registry)).toEqual(["2"]);
  });
});

describe("what changed after the plan was shown", () => {
  test("a tag that was moved stays", async () => {
    const { registry, two } = await stocked();
    await using _ = registry;
    const answers = async () => {
      await two.push(registry.url, "app", "1");
      return "y";
    };

    const { exit, err } = await run(registry, ["app:1"], { answers });

    expect(exit).toBe(5);
    expect(err.at(-1)).toContain(`app:1 was moved to ${two.digest} meanwhile`);
    expect(await tagsOf(registry)).toHaveLength(3);
  });

  test("a manifest that got another tag stays", async () => {
    const { registry, one } = await stocked();
    await using _ = registry;
    const answers = async () => {
      await one.push(registry.url, "app", "prod");
      return "y";
    };

    const { exit, err } = await run(registry, [`app@${one.digest}`], { answers });

    expect(exit).toBe(5);
    expect(err.at(-1)).toContain("was tagged prod meanwhile");
    expect(await tagsOf(registry)).toHaveLength(4);
  });
});

describe("as JSON", () => {
  test("one document says what was planned and how each image ended", async () => {
    const { registry, one } = await stocked();
    await using _ = registry;

    const planned = await run(registry, ["app:1", "--json"]);
    const done = await run(registry, ["app:1", "app:gone", "--json", "-y"]);

    expect(planned.exit).toBe(2);
    expect(JSON.parse(planned.out.join("\n"))).toMatchObject({
      dryRun: false,
      images: [{ result: "planned" }],
    });
    expect(done.exit).toBe(3);
    expect(JSON.parse(done.out.join("\n"))).toEqual({
      schemaVersion: 1,
      dryRun: false,
      images: [
        {
          image: "app:1",
          registry: registry.url,
          repository: "app",
          reference: "1",
          deletes: "tag",
          digest: one.digest,
          size: expect.any(Number),
          tags: ["1"],
          sharedWith: ["latest"],
          result: "deleted",
          reason: null,
        },
        {
          image: "app:gone",
          result: "failed",
          reason: expect.stringContaining("manifest unknown"),
        },
      ],
    });
  });
});

describe("a registry that says no", () => {
  test("because deleting is turned off there ends with 5 and its own words", async () => {
    await using registry = await localRegistry({ delete: false });
    const one = image();
    await one.push(registry.url, "app", "1");

    for (const name of ["app:1", `app@${one.digest}`]) {
      const { exit, err } = await run(registry, [name, "--yes"]);
      expect(exit).toBe(5);
      expect(err.at(-1)).toContain("deleting is turned off");
    }
    expect(await tagsOf(registry)).toEqual(["1"]);
  });

  test.each([
    [400, "DIGEST_INVALID", 1],
    [400, "UNSUPPORTED", 1],
    [405, "UNSUPPORTED", 5],
    [501, "", 1],
  ])(
    "to deleting by tag with %d %s keeps the tag: never is its digest deleted",
    async (status, code, exit) => {
      const one = image();
      await using registry = fakeRegistry(({ method, path }) => {
        if (method === "DELETE") return ociError(status, code);
        if (path.startsWith("/api/")) return new Response(null, { status: 404 });
        if (path.includes("/tags/")) return Response.json({ tags: ["1", "\u001b[2Jlatest"] });
        if (path.includes("/blobs/")) return ociError(404, "BLOB_UNKNOWN");
        const headers = { "content-type": one.mediaType, "docker-content-digest": one.digest };
        return new Response(one.bytes, { headers });
      });

      const ran = await run(registry, ["app:1", "--yes"]);

      expect(ran.exit).toBe(exit);
      expect(ran.err.join("\n")).toContain("kept app:1: the registry does not delete this tag");
      expect(ran.err.join("\n")).toContain(one.digest);
      expect(ran.err.join("")).not.toContain("\u001b");
      const deletes = registry.heard.filter(({ method }) => method === "DELETE");
      expect(deletes.map(({ path }) => path)).toEqual(["/v2/app/manifests/1"]);
    },
  );

  test("for want of credentials ends with 4", async () => {
    await using registry = fakeRegistry(() =>
      ociError(401, "UNAUTHORIZED", "", { "www-authenticate": "Basic" }),
    );

    expect((await run(registry, ["app:1", "app:2", "--yes"])).exit).toBe(4);
  });
});
