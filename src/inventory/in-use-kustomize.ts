import { isRecord } from "../oci/json.ts";
import type { Images } from "./in-use-images.ts";
import { addObject } from "./in-use-objects.ts";

/** Gives what was found in a folder its other names: to be called when all of it is there. */
export type Renaming = (images: Images) => void;

/** A `kustomization.yaml`, which may leave its kind out. Pure. */
export function isKustomization(
  file: string,
  document: unknown,
): document is Record<string, unknown> {
  if (!isRecord(document)) return false;
  const { kind } = document;
  return (
    kind === "Kustomization" ||
    kind === "Component" ||
    /(?:^|\/)[Kk]ustomization(?:\.ya?ml)?$/.test(file)
  );
}

/**
 * Adds what the `images` of a kustomization set: another name, another tag, a digest. Where it gives a name
 * alone, the tags are those of the resources. Both names count: some overlay may use the one, some the other.
 *
 * @see Kustomize, "images" transformer
 */
export function addKustomization(
  document: Record<string, unknown>,
  place: string,
  images: Images,
): Renaming[] {
  const { resources, images: own, helmCharts, ...others } = document;
  // That of Flux has them in its spec.
  const { spec } = document;
  const changes = isRecord(spec) && Array.isArray(spec["images"]) ? spec["images"] : own;
  // Patches, values of charts, what it makes: they stand in it as texts and in parts.
  addObject({ ...others, helmCharts }, place, images);
  const remote = [resources, document["bases"], document["components"]]
    .flat()
    .filter((one): one is string => typeof one === "string" && isRemote(one));
  for (const one of remote) images.remark(`${place}: ${one} lies elsewhere and was not read`);
  if (helmCharts !== undefined) images.remark(`${place}: its helmCharts were not rendered`);
  return (Array.isArray(changes) ? (changes as unknown[]) : []).flatMap((change, index) => {
    const at = `${place}: images[${index}]`;
    if (!isRecord(change) || typeof change["name"] !== "string") {
      images.fault(at, "has no name");
      return [];
    }
    const { name, newName, newTag, digest, tagSuffix } = change;
    const other = typeof newName === "string" && newName !== "" ? newName : name;
    if (typeof digest === "string") images.add(`${other}@${digest}`, at);
    if (typeof newTag === "string" || typeof newTag === "number") {
      images.add(`${other}:${newTag}`, at);
    }
    // Of which tag, the resources say, and they may lie elsewhere.
    if (isFilled(tagSuffix)) images.addWhole({ repository: other });
    return other === name ? [] : [(all: Images) => all.rename(name, other)];
  });
}

function isFilled(value: unknown): boolean {
  return typeof value === "number" || (typeof value === "string" && value !== "");
}

function isRemote(resource: string): boolean {
  return /^(?:[a-z+]+:\/\/|git@|github\.com\/)/i.test(resource) || resource.includes("?ref=");
}
