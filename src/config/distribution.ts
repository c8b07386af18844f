import { isRecord } from "../oci/json.ts";
import { translateAuth } from "./distribution-auth.ts";
import { translateHttp } from "./distribution-http.ts";
import { translateNotifications } from "./distribution-notifications.ts";
import { type Findings, Section } from "./distribution-section.ts";
import { translateStorage } from "./distribution-storage.ts";
import { TOP_KEYS } from "./distribution-variables.ts";

/** A distribution configuration in our words. */
export interface Translation extends Findings {
  /** As it would stand in a wharf.yaml. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Whether a file is a configuration of the distribution registry: ours has no version. Pure. */
export function isDistribution(document: unknown): document is Record<string, unknown> {
  return isRecord(document) && Object.hasOwn(document, "version");
}

/** The key paths in a distribution configuration that our settings come from, for messages about them. */
export const ORIGINS: Readonly<Record<string, string>> = {
  listen: "http.addr",
  data: "storage.filesystem.rootdirectory",
  "auth.htpasswd": "auth.htpasswd.path",
  "auth.realm": "auth.htpasswd.realm",
  prefix: "http.prefix",
  publicUrl: "http.host",
  tls: "http.tls",
  headers: "http.headers",
  delete: "storage.delete.enabled",
  readOnly: "storage.maintenance.readonly.enabled",
  sparse: "validation.manifests.indexes.platforms",
  "debug.listen": "http.debug.addr",
  "log.format": "log.formatter",
};

/**
 * Translates a configuration of the distribution registry (2.x and 3.x), whose scalars are texts.
 *
 * Whatever has no effect here is named, and what may not be left out without making the registry less safe
 * is a fault. Pure.
 *
 * @see distribution, docs/content/about/configuration.md
 */
export function translate(document: Readonly<Record<string, unknown>>): Translation {
  const findings: Findings = { faults: [], unused: [], needless: [], remarks: [] };
  const top = new Section(document, "", findings);
  if (top.text("version") !== "0.1") top.fault("version", "only 0.1 is known");
  refuse(top);
  top.needless("redis");
  // Whether the storage works is tried by itself here; other checks are for others to make.
  top.section("health").needless("storagedriver");
  const settings = {
    ...translateStorage(top),
    ...translateHttp(top.section("http")),
    ...translateAuth(top),
    ...translateNotifications(top.section("notifications")),
    ...translateLog(top),
    ...translateValidation(top.section("validation")),
  };
  top.nameRest(TOP_KEYS);
  if (!top.has("auth")) refuseMislaid(findings);
  return { ...findings, settings };
}

/** A slip of a letter or of the indentation, which would leave the door open if it were passed over. */
function refuseMislaid({ faults, unused }: Findings): void {
  const mislaid = unused.filter((key) =>
    /(?:^|\.)(?:auth|htpasswd)$|\(did you mean auth\?\)$/i.test(key),
  );
  for (const key of mislaid) {
    faults.push(
      `${key}: has no effect there; if it is what asks for passwords, it must be at the top, as auth`,
    );
  }
}

/** What would be less safe if it were left out. */
function refuse(top: Section): void {
  const proxy = top.section("proxy");
  if (proxy.has("remoteurl")) {
    proxy.fault(
      "remoteurl",
      "a pull-through cache is not supported; as an ordinary registry it would take pushes",
    );
  }
  proxy.needless(...proxy.keys());

  const middleware = top.section("middleware");
  for (const kind of middleware.keys()) {
    for (const entry of middleware.sections(kind)) {
      if (entry.flag("disabled") !== true) {
        middleware.fault(
          kind,
          "middleware is not supported, and may be what protects this registry",
        );
      }
      entry.needless(...entry.keys());
    }
  }

  const repository = top.section("policy").section("repository");
  if (repository.texts("classes").length > 0) {
    repository.fault("classes", "restricting repositories to classes is not supported");
  }
}

const LEVELS = ["error", "warn", "info", "debug"];
const FORMATS = new Map(
  Object.entries({
    text: "pretty",
    json: "json",
    logstash: "json",
  }),
);

function translateLog(top: Section): Readonly<Record<string, unknown>> {
  const log = top.section("log");
  const old = top.text("loglevel");
  const level = (log.text("level") ?? old ?? "info").toLowerCase();
  if (!LEVELS.includes(level)) log.fault("level", "must be error, warn, info or debug");
  const formatter = log.text("formatter");
  const format = formatter === undefined ? "auto" : FORMATS.get(formatter);
  if (format === undefined) log.fault("formatter", "must be text, json or logstash");
  if (formatter === "logstash")
    log.findings.remarks.push("log.formatter: logstash is written as json");
  const silent = log.section("accesslog").flag("disabled") === true;
  const fields = log.section("fields");
  const named = fields.keys().map((key) => [key, fields.text(key) ?? ""]);
  return {
    log: {
      level,
      format,
      access: silent ? "none" : "combined",
      fields: Object.fromEntries(named) as Record<string, string>,
    },
  };
}

function translateValidation(validation: Section): Readonly<Record<string, unknown>> {
  const enabled = validation.flag("enabled") === true || validation.flag("disabled") !== true;
  const manifests = validation.section("manifests");
  const urls = manifests.section("urls");
  const lists = [...urls.texts("allow"), ...urls.texts("deny")];
  if (enabled && lists.length > 0) {
    manifests.fault("urls", "restricting the URLs in manifests is not supported");
  }
  const indexes = manifests.section("indexes");
  const platforms = indexes.text("platforms")?.toLowerCase() ?? "all";
  if (!["all", "none", "list"].includes(platforms)) {
    indexes.fault("platforms", "must be all, none or list");
  }
  if (!enabled || platforms === "all") indexes.needless("platformlist");
  return { sparse: enabled && platforms !== "all" };
}
