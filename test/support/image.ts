import {
  blob,
  json,
  mediaTypes,
  randomBytes,
  type Blob,
  type Descriptor,
  type Platform,
} from "./oci.ts";
import { push } from "./push.ts";

/** A manifest with everything it names: an image, an artifact or an index. */
export interface Fixture {
  readonly mediaType: string;
  readonly digest: string;
  /** The manifest, byte for byte. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly descriptor: Descriptor;
  /** The blobs that the manifest names itself: its config and its layers; none for an index. */
  readonly blobs: readonly Blob[];
  /** The manifests that an index names; none otherwise. */
  readonly children: readonly Fixture[];
  /** Children first, then blobs, then the manifest itself; without a reference, by its digest only. */
  push(url: string, repository: string, ...tags: string[]): Promise<void>;
}

export interface ImageOptions {
  /** How many layers of random bytes, or the layers themselves. One by default. */
  readonly layers?: number | readonly Layer[];
  /** The size in bytes of each layer that is made up. */
  readonly size?: number;
  readonly platform?: Platform;
  /** What the config says of when it was built; now, unless something is said. */
  readonly created?: unknown;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly subject?: Descriptor;
  /** Makes an artifact: its config is the empty one. */
  readonly artifactType?: string;
  /** The older Docker format instead of the OCI one. */
  readonly dockerSchema2?: boolean;
}

export interface Layer extends Blob {
  /** The digest of the layer before it was compressed; clients that unpack it check that. */
  readonly diffId: string;
}

/** An image nobody has seen before: its layers are random bytes unless given. Enough for the protocol, not to be run. */
export function image(options: ImageOptions = {}): Fixture {
  const docker = options.dockerSchema2 === true;
  const made = options.layers ?? 1;
  const layers =
    typeof made === "number"
      ? Array.from({ length: made }, () =>
          randomLayer(docker ? mediaTypes.dockerLayer : mediaTypes.layer, options.size ?? 1000),
        )
      : made;
  const config =
    options.artifactType === undefined
      ? json(docker ? mediaTypes.dockerConfig : mediaTypes.config, {
          created: options.created ?? new Date().toISOString(),
          ...(options.platform ?? { os: "linux", architecture: "amd64" }),
          config: {},
          rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.diffId) },
        })
      : json(mediaTypes.empty, {});
  const mediaType = docker ? mediaTypes.dockerImage : mediaTypes.image;
  return fixture(mediaType, [config, ...layers], [], options, {
    config: config.descriptor,
    layers: layers.map((layer) => layer.descriptor),
  });
}

/** An index (in Docker's words a manifest list) over images. */
export function index(
  children: readonly Fixture[],
  options: Omit<ImageOptions, "layers" | "size"> = {},
): Fixture {
  const mediaType = options.dockerSchema2 === true ? mediaTypes.dockerIndex : mediaTypes.index;
  return fixture(mediaType, [], children, options, {
    manifests: children.map((child) => child.descriptor),
  });
}

function fixture(
  mediaType: string,
  blobs: readonly Blob[],
  children: readonly Fixture[],
  options: ImageOptions,
  content: object,
): Fixture {
  const { artifactType, subject, annotations, platform } = options;
  const optional = {
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  const manifest = json(mediaType, {
    schemaVersion: 2,
    mediaType,
    ...content,
    ...optional,
    ...(subject === undefined ? {} : { subject }),
  });
  const descriptor = { ...manifest.descriptor, ...(platform === undefined ? {} : { platform }) };
  const whole: Fixture = {
    mediaType,
    digest: descriptor.digest,
    bytes: manifest.bytes,
    descriptor,
    blobs,
    children,
    push: (url, repository, ...tags) => push(whole, url, repository, tags),
  };
  return whole;
}

function randomLayer(mediaType: string, size: number): Layer {
  const layer = blob(mediaType, randomBytes(size));
  return { ...layer, diffId: layer.descriptor.digest };
}
