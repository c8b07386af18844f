import { isRecord } from "../oci/json.ts";
import type { Images } from "./in-use-images.ts";
import { addObject } from "./in-use-objects.ts";

/**
 * Adds the images of what `kubectl get pods -A -o json` prints, or `kubectl get` of any other kinds. Throws an
 * error in a few words for what is cut off, is a part of a list, or lists nothing: no cluster runs without pods.
 *
 * @see Kubernetes API concepts, "Retrieving large results sets in chunks": metadata.continue
 */
export function addPods(text: string, images: Images): void {
  const document = parsed(text);
  if (!isRecord(document) || typeof document["kind"] !== "string") {
    throw new Error("it is not what `kubectl get pods -A -o json` prints");
  }
  const { kind, items, metadata } = document;
  if (kind.endsWith("List")) {
    if (!Array.isArray(items)) throw new Error(`it is a ${kind} without items`);
    const next = isRecord(metadata) ? (metadata["continue"] ?? "") : "";
    if (next !== "") throw new Error("it is a part of a list: there is more (metadata.continue)");
    if (items.length === 0) throw new Error("it lists nothing; no cluster runs without pods");
    for (const [index, item] of items.entries()) {
      if (!isRecord(item)) throw new Error(`items[${index}] is no object`);
      addObject(item, `items[${index}] (${nameOf(item)})`, images);
    }
    return;
  }
  addObject(document, nameOf(document), images);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    throw new Error(text.trim() === "" ? "it is empty" : "it is no JSON, or it is cut off");
  }
}

function nameOf({ kind, metadata }: Record<string, unknown>): string {
  const { namespace, name } = isRecord(metadata) ? metadata : {};
  const words = [namespace, name].filter((one) => typeof one === "string" && one !== "");
  return [typeof kind === "string" ? kind : "object", words.join("/")].join(" ").trim();
}
