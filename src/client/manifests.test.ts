import { describe, expect, test } from "bun:test";
import { failureOf } from "../../test/support/failure.ts";
import { fakeRegistry, ociError } from "../../test/support/fake-registry.ts";
import { image } from "../../test/support/image.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { DOCKER_SCHEMA1_SIGNED } from "../oci/media-types.ts";
import { parseName } from "../oci/name.ts";
import { parseReference } from "../oci/reference.ts";
import { parseAddress } from "./address.ts";
import { openConnection } from "./connection.ts";
import { deleteManifest, getManifest, resolveDigest } from "./manifests.ts";

const name = parseName("app");
const one = image();
const tag = parseReference("1");
const other = digestOf(new TextEncoder().encode("other"));

function connect(url: string) {
  return openConnection(parseAddress(url), { credentials: { find: async () => null } });
}

function answer(digest: string | null, type = one.mediaType): Response {
  const headers = digest === null ? {} : { "docker-content-digest": digest };
  return new Response(one.bytes, { headers: { "content-type": type, ...headers } });
}

describe("a manifest", () => {
  test("comes byte for byte, with its digest, also from a registry that does not say it", async () => {
    for (const said of [one.digest, null, "nonsense"]) {
      await using registry = fakeRegistry(() => answer(said));

      const manifest = await getManifest(connect(registry.url), name, tag);

      expect(manifest.digest).toBe(one.digest as Digest);
      expect(manifest.bytes).toEqual(one.bytes);
      expect(await resolveDigest(connect(registry.url), name, tag)).toBe(one.digest as Digest);
    }
  });

  test("whose bytes are not those of the digest that was asked for, or said, is refused", async () => {
    await using lying = fakeRegistry(() => answer(other));
    await using swapped = fakeRegistry(() => answer(null));

    expect((await failureOf(getManifest(connect(lying.url), name, tag))).message).toContain(
      "has not the digest",
    );
    expect((await failureOf(getManifest(connect(swapped.url), name, other))).message).toContain(
      "has not the digest",
    );
  });

  test("of the signed kind of long ago is believed, for nobody can check it", async () => {
    await using registry = fakeRegistry(() => answer(other, DOCKER_SCHEMA1_SIGNED));

    expect((await getManifest(connect(registry.url), name, tag)).digest).toBe(other);
  });

  test("of more than 8 MiB is not held", async () => {
    await using registry = fakeRegistry(() => new Response(new Uint8Array(9 * 1024 * 1024)));

    expect((await failureOf(getManifest(connect(registry.url), name, tag))).message).toContain(
      "larger than 8 MiB",
    );
  });

  test("that is not there is unknown, with its name in the message", async () => {
    await using registry = fakeRegistry(({ method }) =>
      method === "HEAD" ? new Response(null, { status: 404 }) : ociError(404, "MANIFEST_UNKNOWN"),
    );
    const connection = connect(registry.url);

    for (const work of [getManifest, resolveDigest, deleteManifest]) {
      const asked = work(connection, name, tag);
      expect((await failureOf(asked)).kind).toBe("MANIFEST_UNKNOWN");
      expect((await failureOf(asked)).message).toContain("app:1");
    }
  });
});

describe("deleting", () => {
  test("asks for exactly what was named, and nothing else", async () => {
    await using registry = fakeRegistry(() => new Response(null, { status: 202 }));
    const connection = connect(registry.url);

    await deleteManifest(connection, name, tag);
    await deleteManifest(connection, name, other);

    expect(registry.heard.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "DELETE /v2/app/manifests/1",
      `DELETE /v2/app/manifests/${other}`,
    ]);
  });

  test.each([
    [401, "CREDENTIALS"],
    [403, "CREDENTIALS"],
    [405, "REFUSED"],
    [400, "REMOTE"],
    [412, "REMOTE"],
    [429, "REMOTE"],
    [503, "REMOTE"],
  ] as const)(
    "that is answered %d ends with %s, and the registry's words",
    async (status, kind) => {
      await using registry = fakeRegistry(() => ociError(status, "UNSUPPORTED", "not today"));

      const failure = deleteManifest(connect(registry.url), name, tag);

      expect((await failureOf(failure)).kind).toBe(kind);
      if (status !== 401) expect((await failureOf(failure)).message).toContain("not today");
    },
  );
});
