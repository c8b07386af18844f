import type { Fixture } from "../../support/image.ts";
import {
  type Blob,
  type Descriptor,
  blob,
  json,
  mediaTypes,
  randomBytes,
} from "../../support/oci.ts";

/** A manifest of any kind, also of those that nobody builds any more, with what it needs. */
export function document(
  mediaType: string,
  content: object,
  needs: { readonly blobs?: readonly Blob[]; readonly children?: readonly Fixture[] } = {},
): Fixture {
  const { descriptor, bytes } = json(mediaType, content);
  return {
    mediaType,
    digest: descriptor.digest,
    bytes,
    descriptor,
    blobs: needs.blobs ?? [],
    children: needs.children ?? [],
    push: async () => await Promise.reject(new Error("this one is put into a scene only")),
  };
}

export function layer(size = 500, mediaType: string = mediaTypes.layer): Blob {
  return blob(mediaType, randomBytes(size));
}

/** With a digest of sha512. */
export function sha512Layer(size = 500): Blob {
  const { bytes, descriptor } = layer(size);
  const digest = `sha512:${new Bun.CryptoHasher("sha512").update(bytes).digest("hex")}`;
  return { bytes, descriptor: { ...descriptor, digest } };
}

export function config(): Blob {
  return json(mediaTypes.config, { created: new Date(0).toISOString(), salt: Bun.randomUUIDv7() });
}

export function imageOf(
  parts: { readonly config?: Blob; readonly layers: readonly Blob[] },
  more: object = {},
): Fixture {
  const { config: own = config(), layers } = parts;
  return document(
    mediaTypes.image,
    {
      schemaVersion: 2,
      mediaType: mediaTypes.image,
      config: own.descriptor,
      layers: layers.map(({ descriptor }) => descriptor),
      ...more,
    },
    { blobs: [own, ...layers] },
  );
}

/** Something that says of another manifest who made it, or what is in it. */
export function referrer(subject: Descriptor, more: object = {}): Fixture {
  const { mediaType, digest, size } = subject;
  const content = { artifactType: "application/x-signature", subject: { mediaType, digest, size } };
  return imageOf({ layers: [layer(80)] }, { ...content, ...more });
}
