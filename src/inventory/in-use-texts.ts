import { parseAllDocuments } from "yaml";
import { isRecord } from "../oci/json.ts";
import type { Images } from "./in-use-images.ts";

type Json = Readonly<Record<string, unknown>>;

/** Longer texts are files of something, and are not looked through as YAML. */
const LONGEST_YAML = 1024 * 1024;
/** More than any image has. */
const LONGEST_WORD = 1024;
/** As in `addFolder`. */
const MOST_ALIASES = 1000;

/**
 * Adds the words of any text that can hardly be anything but an image: a path with a tag or a digest. Patches,
 * arguments and settings of whatever programs name images in places that nobody can list.
 */
export function addWords(text: string, images: Images): void {
  if (!text.includes("/") || !/[:@]/.test(text)) return;
  for (const word of text.split(/[\s"'`,;()<>[\]{}|]+/)) {
    if (word.length > LONGEST_WORD) continue;
    const value = word.slice(word.lastIndexOf("=") + 1);
    if (value.startsWith("oci://")) addArtifact(value, images);
    else if (/\/.*(?::[^/]+|@sha(?:256|512):[0-9a-f]+)$/.test(value)) images.addLikely(value);
  }
}

/**
 * The YAML within a text that may name images: values of a chart, a patch, what a ConfigMap holds. Null: it is
 * none. What is no YAML was at least looked through word by word.
 */
export function yamlWithin(text: string): readonly object[] | null {
  if (!text.includes("\n") && !/^\s*[{[]/.test(text)) return null;
  if (text.length > LONGEST_YAML || !/image|repositor/i.test(text)) return null;
  try {
    const documents = [...parseAllDocuments(text, { merge: true, logLevel: "silent" })];
    if (documents.some(({ errors }) => errors.length > 0)) return null;
    return documents.flatMap((one) => {
      const value = one.toJS({ maxAliasCount: MOST_ALIASES }) as unknown;
      return typeof value === "object" && value !== null ? [value] : [];
    });
  } catch {
    return null;
  }
}

/** Adds an image that stands in parts in an object, and what else an object says of one by several keys. */
export function addPairs(object: Json, images: Images): void {
  addPatch(object, images);
  addCharts(object, images);
  const { tag, imageTag, digest, imageDigest, kind, name, newTag } = object;
  // Of a stream of images, of OpenShift.
  if (kind === "DockerImage" && typeof name === "string") images.addPerhaps(name);
  const parts = [tag, imageTag, newTag, digest, imageDigest].filter(isPart);
  if (parts.length === 0) return;
  for (const key of NAMES) {
    const image = object[key];
    if (typeof image !== "string" || image === "") continue;
    const { registry } = object;
    const whole = typeof registry === "string" && registry ? `${registry}/${image}` : image;
    for (const part of parts) {
      images.addLikely(`${whole}${isDigestText(part) ? "@" : ":"}${part}`);
    }
  }
}

const NAMES = ["repository", "repo", "image", "name", "newName", "imageName", "imageRepository"];

function isPart(value: unknown): value is string | number {
  return typeof value === "number" || (typeof value === "string" && value !== "");
}

function isDigestText(part: string | number): boolean {
  return /^sha(?:256|512):/.test(String(part));
}

/** @see RFC 6902: what is set at a path that ends with an image. */
function addPatch({ op, path, value }: Json, images: Images): void {
  if (typeof op !== "string" || typeof path !== "string" || typeof value !== "string") return;
  if (/image$/i.test(path)) images.addPerhaps(value);
}

/** Charts and other artifacts that are pulled from a registry, of Argo CD, Flux and Helm. */
function addCharts(object: Json, images: Images): void {
  const { url, ref, repoURL, repository, repo, chart, name } = object;
  if (typeof url === "string" && /^(?:oci|docker):\/\//.test(url)) {
    const place = withoutScheme(url);
    const { tag, digest } = isRecord(ref) ? ref : {};
    if (isPart(digest)) images.addLikely(`${place}@${digest}`);
    else if (isPart(tag)) images.addLikely(`${place}:${tag}`);
  }
  const chartName = chart ?? name;
  if (typeof chartName !== "string" || chartName === "") return;
  for (const place of [repoURL, repository, repo]) {
    if (typeof place !== "string") continue;
    const ours = place.startsWith("oci://") || (place === repoURL && !place.includes("://"));
    // Of which version, a range may say.
    if (ours) images.addWhole({ repository: `${withoutScheme(place)}/${chartName}` });
  }
}

/** Without a tag any may be the one. */
function addArtifact(url: string, images: Images): void {
  const place = withoutScheme(url);
  if (/(?::[^/]+|@.+)$/.test(place.slice(place.indexOf("/") + 1))) images.addLikely(place);
  else images.addWholePerhaps({ repository: place });
}

function withoutScheme(url: string): string {
  return url.replace(/^[a-z]+:\/\//, "").replace(/\/+$/, "");
}
