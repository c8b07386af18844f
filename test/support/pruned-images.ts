import type { Config } from "../../src/config/schema.ts";
import { schema } from "../../src/config/schema.ts";
import { type Fixture, image, index } from "./image.ts";

/** Images of one team, some of which a policy lets go; the same for every registry that is pruned. */
export interface PruneWorld {
  /** By `REPOSITORY:TAG`, in the order in which they are pushed; those without a tag by `REPOSITORY@`. */
  readonly images: readonly (readonly [place: string, image: WorldImage])[];
  readonly policies: Config["retention"];
}

export const WEB = "app/web";
export const DATABASE = "app/db";

/** With the digest of what it signs, if it does. */
export type WorldImage = Fixture & { readonly subject?: string };

/** Tags of `app/web` that stay wherever tags can be removed alone. */
export const KEPT = ["ci-pinned", "latest", "prod-multi", "v1.10.0", "v1.9.0"];
/** It shares its image with `latest`. */
export const SHARED = "ci-1";
/** All others go. */
export const GOING = ["ci-2", "ci-3", "ci-multi", "v1.8.0"];

export function pruneWorld(): PruneWorld {
  const [shared, twins, common, alone] = [image(), image(), image(), image()] as const;
  const multi = index([common, alone]);
  const signatureTag = (digest: string): string => `${digest.replace(":", "-")}.sig`;
  const artifactType = "application/vnd.dev.cosign.artifact.sig.v1+json";
  const signs = (signed: Fixture): WorldImage => ({
    ...image({ subject: signed.descriptor, artifactType }),
    subject: signed.digest,
  });
  const production = index([common, image()]);
  return {
    images: [
      [`${WEB}:latest`, shared],
      [`${WEB}:${SHARED}`, shared],
      [`${WEB}:ci-2`, twins],
      [`${WEB}:ci-3`, twins],
      [`${WEB}:${signatureTag(twins.digest)}`, image()],
      [`${WEB}:ci-multi`, multi],
      [`${WEB}:prod-multi`, production],
      [`${WEB}:ci-pinned`, image()],
      [`${WEB}:v1.8.0`, image()],
      [`${WEB}:v1.9.0`, image()],
      [`${WEB}:v1.10.0`, image()],
      [`${WEB}@`, signs(twins)],
      [`${WEB}@`, signs(production)],
      [`${DATABASE}:prod-1`, image()],
    ],
    policies: schema.shape.retention.parse([
      {
        name: "app",
        repositories: ["app/**"],
        delete: [{ tags: ["ci-*"] }, { version: true }],
        keep: [{ tags: ["latest", "prod-*", "ci-pinned"] }, { semver: ">=1.0.0", newest: 2 }],
      },
    ]),
  };
}

/** The signature's tag of an image of the world. */
export function isSignature(tag: string): boolean {
  return tag.endsWith(".sig");
}

/** What must be there for an image to be whole. */
export function partsOf(fixture: Fixture): { manifests: string[]; blobs: string[] } {
  const below = fixture.children.map(partsOf);
  return {
    manifests: [fixture.digest, ...below.flatMap(({ manifests }) => manifests)],
    blobs: [
      ...fixture.blobs.map(({ descriptor }) => descriptor.digest),
      ...below.flatMap(({ blobs }) => blobs),
    ],
  };
}
