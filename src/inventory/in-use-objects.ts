import { isRecord } from "../oci/json.ts";
import { Images } from "./in-use-images.ts";
import { addPairs, addWords, yamlWithin } from "./in-use-texts.ts";

/** Lists of what runs: each entry's `image` must be one. Tekton's steps and sidecars are containers as well. */
const CONTAINERS = new Set([
  "containers",
  "initContainers",
  "ephemeralContainers",
  "steps",
  "sidecars",
]);
const STATUSES = new Set([
  "containerStatuses",
  "initContainerStatuses",
  "ephemeralContainerStatuses",
]);
/** Deeper than any object is that people write. */
const DEEPEST = 200;

/**
 * Adds the images that an object of Kubernetes names, of whatever kind it is: of containers at any depth (pods,
 * templates of pods, those in a CronJob, in resources that somebody defined), of volumes, and what has run (the
 * digests in a pod's status). Whatever else is called an image is added where it reads as one, and so are words
 * that can hardly be anything else, wherever they stand, also in texts with YAML in them.
 *
 * @see Kubernetes API, "Pod v1 core": Container.image, ContainerStatus.imageID, ImageVolumeSource.reference
 */
export function addObject(object: unknown, place: string, images: Images, depth = 0): void {
  if (depth > DEEPEST) return images.fault(place, `is nested deeper than ${DEEPEST} levels`);
  if (Array.isArray(object)) {
    for (const [index, one] of object.entries()) {
      addObject(one, `${place}[${index}]`, images, depth + 1);
    }
    return;
  }
  if (typeof object === "string") return addText(object, place, images, depth);
  if (!isRecord(object)) return;
  addPairs(object, images);
  for (const [key, value] of Object.entries(object)) {
    const at = `${place}.${key}`;
    if (Array.isArray(value) && CONTAINERS.has(key)) addContainers(value, at, images);
    else if (Array.isArray(value) && STATUSES.has(key)) addStatuses(value, at, images);
    else addNamed(key, value, images);
    addObject(value, at, images, depth + 1);
  }
}

function addText(text: string, place: string, images: Images, depth: number): void {
  addWords(text, images);
  const within = yamlWithin(text);
  if (within === null) return;
  const found = new Images();
  for (const one of within) addObject(one, place, found, depth + 1);
  images.addFound(found);
}

function addContainers(containers: readonly unknown[], place: string, images: Images): void {
  for (const [index, container] of containers.entries()) {
    if (!isRecord(container)) continue;
    const { image } = container;
    // Without one, an admission webhook, or the kind itself, gives it one.
    if (typeof image === "string" && image !== "") images.add(image, `${place}[${index}].image`);
    addArguments(container, images);
  }
}

/** The name as the runtime resolved it, and the digest of what runs; both are empty until it has pulled. */
function addStatuses(statuses: readonly unknown[], place: string, images: Images): void {
  for (const [index, status] of statuses.entries()) {
    if (!isRecord(status)) continue;
    const { image, imageID } = status;
    if (typeof image === "string") images.addPerhaps(image);
    if (typeof imageID === "string" && imageID !== "") {
      images.add(imageID, `${place}[${index}].imageID`);
    }
  }
}

/** What operators are told to run: `--solver-image=…`, and variables such as RELATED_IMAGE_PROXY. */
function addArguments({ args, command, env }: Record<string, unknown>, images: Images): void {
  const words = [args, command].flat();
  for (const [index, word] of words.entries()) {
    if (typeof word !== "string") continue;
    const flag = /^--?[\w.-]*image(?:=(.+))?$/i.exec(word);
    const image = flag && (flag[1] ?? words[index + 1]);
    if (typeof image === "string") images.addPerhaps(image);
  }
  for (const variable of Array.isArray(env) ? (env as unknown[]) : []) {
    if (!isRecord(variable)) continue;
    const { name, value } = variable;
    if (typeof name === "string" && typeof value === "string" && /image/i.test(name)) {
      images.addPerhaps(value);
    }
  }
}

function addNamed(key: string, value: unknown, images: Images): void {
  if (key === "images" && Array.isArray(value)) {
    // Of Argo CD: `[NAME=]IMAGE`.
    for (const one of value)
      if (typeof one === "string") images.addPerhaps(one.replace(/^.*=/, ""));
  }
  if (!/image(?:name|ref|reference)?$/i.test(key)) return;
  if (typeof value === "string") images.addPerhaps(value);
  else if (isRecord(value)) addParts(value, images);
}

/** An image in parts, as values of charts have it; or a volume's. */
function addParts(parts: Record<string, unknown>, images: Images): void {
  const { registry, repository, tag, digest, reference } = parts;
  if (typeof reference === "string") images.addPerhaps(reference);
  if (typeof repository !== "string" || repository === "") return;
  const name = typeof registry === "string" && registry ? `${registry}/${repository}` : repository;
  if (typeof digest === "string" && digest !== "") images.addPerhaps(`${name}@${digest}`);
  if ((typeof tag === "string" && tag !== "") || typeof tag === "number") {
    images.addPerhaps(`${name}:${tag}`);
  } else if (!digest) images.addWhole({ repository: name });
}
