import { isDigest } from "../oci/digest.ts";
import { isRecord } from "../oci/json.ts";
import { isRepositoryName } from "../oci/name.ts";
import { isTag } from "../oci/reference.ts";
import type { Delivery, KeepEvent } from "./events.ts";

type Json = Readonly<Record<string, unknown>>;

/** The names of events in Harbor's own format, and as CloudEvents. */
const ACTIONS: Readonly<Record<string, KeepEvent["action"]>> = {
  PUSH_ARTIFACT: "push",
  PULL_ARTIFACT: "pull",
  DELETE_ARTIFACT: "delete",
  "harbor.artifact.pushed": "push",
  "harbor.artifact.pulled": "pull",
  "harbor.artifact.deleted": "delete",
};

/** Whether a body is one of Harbor's. Pure. */
export function isHarbor(body: Json): boolean {
  return typeof body["type"] === "string" && (isRecord(body["event_data"]) || isCloudEvent(body));
}

function isCloudEvent(body: Json): boolean {
  return typeof body["specversion"] === "string" && isRecord(body["data"]);
}

/**
 * What one webhook of Harbor tells. It tells nothing of the client, so every pull counts, and events of
 * other kinds (scans, quotas, replications) say nothing here. Pure.
 *
 * @see https://goharbor.io/docs/2.11.0/working-with-projects/project-configuration/configure-webhooks/
 */
export function readHarbor(body: Json): Delivery {
  const cloud = isCloudEvent(body);
  const data = (cloud ? body["data"] : body["event_data"]) as Json;
  const action = ACTIONS[String(body["type"])];
  const repository = isRecord(data["repository"]) ? data["repository"] : {};
  const name = repository["repo_full_name"];
  const resources = Array.isArray(data["resources"]) ? data["resources"].filter(isRecord) : [];
  if (action === undefined || typeof name !== "string" || !isRepositoryName(name)) {
    return { events: [], passed: 1 };
  }
  const at = cloud ? timeOf(body["time"]) : secondsOf(body["occur_at"]);
  const events = resources.map(({ tag, digest, resource_url: url }): KeepEvent => {
    const deleted = action === "delete";
    return {
      action,
      repository: name,
      // Of a pull by digest Harbor has the digest where the tag would be.
      tag: !deleted && typeof tag === "string" && isTag(tag) ? tag : null,
      digest: !deleted && typeof digest === "string" && isDigest(digest) ? digest : null,
      at,
      method: "GET",
      agent: "",
      hosts: typeof url === "string" ? [url.split("/", 1)[0] ?? ""].filter(Boolean) : [],
    };
  });
  return { events, passed: resources.length === 0 ? 1 : 0 };
}

function secondsOf(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) ? value * 1000 : null;
}

function timeOf(value: unknown): number | null {
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}
