import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { image, index, type Fixture, type Layer } from "./image.ts";
import { blob, digestOf, mediaTypes, randomBytes } from "./oci.ts";

const compressions = {
  gzip: {
    mediaType: mediaTypes.layer,
    compress: (tar: Uint8Array<ArrayBuffer>) => Bun.gzipSync(tar),
  },
  zstd: {
    mediaType: mediaTypes.zstdLayer,
    compress: (tar: Uint8Array<ArrayBuffer>) => new Uint8Array(Bun.zstdCompressSync(tar)),
  },
} as const;

/** A layer that clients can unpack: an archive of files. */
export async function fileLayer(
  files: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>,
  compression: keyof typeof compressions = "gzip",
): Promise<Layer> {
  const tar = await new Bun.Archive({ ...files }).bytes();
  const { mediaType, compress } = compressions[compression];
  return { ...blob(mediaType, compress(tar)), diffId: digestOf(tar) };
}

export interface MultiPlatform {
  /** The index over the platforms. */
  readonly index: Fixture;
  readonly amd64: Fixture;
  readonly arm64: Fixture;
}

/**
 * An image for two platforms, as builders make them: a base layer that both share, and one of their own.
 * No two calls make the same image.
 */
export async function multiPlatformImage(
  compression: keyof typeof compressions = "gzip",
): Promise<MultiPlatform> {
  const base = await fileLayer(
    { "bin/tool": randomBytes(2_000_000), "etc/hostname": "shared\n" },
    compression,
  );
  const build = async (architecture: string): Promise<Fixture> => {
    const own = await fileLayer(
      { "etc/platform": architecture, "lib/data": randomBytes(300_000) },
      compression,
    );
    return image({ layers: [base, own], platform: { os: "linux", architecture } });
  };
  const [amd64, arm64] = [await build("amd64"), await build("arm64")];
  return { index: index([amd64, arm64]), amd64, arm64 };
}

/** Writes an OCI image layout, the folder that skopeo reads as `oci:PATH:TAG`. */
export async function writeLayout(
  path: string,
  tags: Readonly<Record<string, Fixture>>,
): Promise<void> {
  await mkdir(join(path, "blobs", "sha256"), { recursive: true });
  await writeFile(join(path, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  for (const fixture of Object.values(tags)) await writeFixture(path, fixture);
  const manifests = Object.entries(tags).map(([tag, fixture]) => ({
    ...fixture.descriptor,
    annotations: { "org.opencontainers.image.ref.name": tag },
  }));
  await writeFile(join(path, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
}

async function writeFixture(path: string, fixture: Fixture): Promise<void> {
  for (const child of fixture.children) await writeFixture(path, child);
  for (const { descriptor, bytes } of fixture.blobs)
    await writeFile(layoutBlob(path, descriptor.digest), bytes);
  await writeFile(layoutBlob(path, fixture.digest), fixture.bytes);
}

function layoutBlob(path: string, digest: string): string {
  return join(path, "blobs", ...digest.split(":"));
}

/**
 * What of a fixture is missing from a layout or differs there; nothing, when it arrived byte for byte.
 * The name of a blob in a layout proves nothing: the bytes themselves are compared.
 */
export async function differences(path: string, fixture: Fixture): Promise<string[]> {
  const expected = [
    ...fixture.blobs.map((it) => ({ digest: it.descriptor.digest, bytes: it.bytes })),
    fixture,
  ];
  const own = await Promise.all(
    expected.map(async ({ digest, bytes }) => {
      const found = await readFile(layoutBlob(path, digest)).catch(() => undefined);
      if (found === undefined) return [`${digest} is missing`];
      return Buffer.from(bytes).equals(found) ? [] : [`${digest} differs`];
    }),
  );
  const below = await Promise.all(fixture.children.map((child) => differences(path, child)));
  return [...own, ...below].flat();
}
