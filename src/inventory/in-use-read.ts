import { readFile, stat } from "node:fs/promises";
import { printable } from "../client/http/printable.ts";
import type { InUseReading } from "./in-use.ts";
import { addFolder } from "./in-use-folder.ts";
import { Images } from "./in-use-images.ts";
import { addLines } from "./in-use-lines.ts";
import { decode, type OutputLimits, outputOf } from "./in-use-output.ts";
import { addPods } from "./in-use-pods.ts";

export interface InUseSettings {
  /** Of the commands, and of what stands in Compose files. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Others than the usual ones, for tests. */
  readonly limits?: OutputLimits;
}

/** A cluster of ten thousand pods describes them in some hundred megabytes. */
const LIMITS: OutputLimits = { milliseconds: 2 * 60_000, bytes: 512 * 1024 * 1024 };

/**
 * Reads sources of images that somebody runs, each once: `file:PATH` and `command:…` list one image a line,
 * `manifests:FOLDER` holds manifests of Kubernetes and Compose, `kubernetes` asks `kubectl get pods -A -o json`,
 * `kubernetes:FILE` has what it printed.
 *
 * Never throws: whatever goes wrong with a source is its reading. One that names no image at all is a failure
 * too, for a list that has got lost looks just so.
 */
export async function readInUse(
  sources: readonly string[],
  settings: InUseSettings,
): Promise<ReadonlyMap<string, InUseReading>> {
  const readings = new Map<string, InUseReading>();
  for (const source of new Set(sources)) readings.set(source, await readSource(source, settings));
  return readings;
}

async function readSource(source: string, settings: InUseSettings): Promise<InUseReading> {
  const images = new Images();
  const failed = (reason: string): InUseReading => ({
    source,
    failure: `the images in use are not known: ${source}: ${printable(reason, 1000)}`,
  });
  try {
    await addSource(source, settings, images);
  } catch (error) {
    return failed((error as Error).message);
  }
  const { failure, count, remarks } = images;
  if (failure !== null) return failed(failure);
  if (count === 0) return failed("it names no image; if none runs, leave the source out");
  return { source, images: images.inUse(source), count, remarks };
}

async function addSource(
  source: string,
  { environment, limits = LIMITS }: InUseSettings,
  images: Images,
): Promise<void> {
  const colon = source.indexOf(":");
  const kind = colon === -1 ? source : source.slice(0, colon);
  const rest = colon === -1 ? "" : source.slice(colon + 1);
  if (kind === "file") return addLines(await textOf(rest, limits), images);
  if (kind === "command") {
    return addLines(await outputOf(["/bin/sh", "-c", rest], environment, limits), images);
  }
  if (kind === "manifests") return await addFolder(rest, environment, images);
  if (kind !== "kubernetes") throw new Error("there is no such kind of source");
  if (rest !== "") return addPods(await textOf(rest, limits), images);
  const kubectl = Bun.which("kubectl", { PATH: environment["PATH"] ?? "" });
  if (kubectl === null) throw new Error("kubectl was not found on the PATH");
  addPods(
    await outputOf([kubectl, "get", "pods", "-A", "-o", "json"], environment, limits),
    images,
  );
}

async function textOf(path: string, { bytes }: OutputLimits): Promise<string> {
  const about = await stat(path);
  if (!about.isFile()) throw new Error("it is no file");
  if (about.size > bytes) throw new Error(`it is larger than ${bytes} bytes`);
  return decode(await readFile(path));
}
