import type { TreeHazard } from "../support/scene.ts";
import { AGES } from "./ages.ts";
import { BROKEN_LINKS, BROKEN_MANIFESTS } from "./broken.ts";
import { FOLDERS } from "./folders.ts";
import { IMAGES } from "./images.ts";
import { REFERRERS } from "./referrers.ts";

/** Every hazard that can be built from the files of a tree. */
export const IN_FILES: readonly TreeHazard[] = [
  ...IMAGES,
  ...REFERRERS,
  ...AGES,
  ...BROKEN_LINKS,
  ...BROKEN_MANIFESTS,
  ...FOLDERS,
];
