import type { Environment } from "../environment.ts";
import { Draft, type Translation } from "./translation.ts";
import { address, truth } from "./values.ts";

const FOLDER = "/registry";
const GRACE = "1h";
const S3_KEYS = ["ACCESS_KEY", "SECRET_KEY", "BUCKET", "REGION"];

/** Translates the variables of docker-registry-manifest-cleanup. Empty ones are not set. Pure. */
export function translateManifestCleanup(variables: Environment): Translation {
  const draft = new Draft("manifest-cleanup");
  const value = (key: string): string | undefined => variables[key]?.trim() || undefined;
  const flag = (key: string): boolean => {
    const text = value(key);
    return text !== undefined && truth(text, key, draft) === true;
  };
  refuseS3(value, draft);
  const url = value("REGISTRY_URL");
  if (url === undefined) draft.fault("REGISTRY_URL", "must be set");
  const dryRun = flag("DRY_RUN");
  const unchecked = [flag("SELF_SIGNED_CERT"), flag("CURL_INSECURE")];
  if (value("SELF_SIGNED_CERT") !== undefined && !unchecked[0]) {
    draft.remark(
      "registries.0.insecure",
      "SELF_SIGNED_CERT",
      "false is false: the certificate is checked. The tool took any value for true",
    );
  }
  draft.remark(
    "retention.0",
    "",
    "manifests that no tag, index or subject keeps. The tool deleted multi-platform images that have a tag, " +
      "with all of their platforms",
  );
  draft.remark(
    "retention.0.delete.0",
    "",
    `what is younger than ${GRACE} may belong to a push that is not done yet`,
  );
  return draft.translation({
    retention: [
      {
        name: "untagged",
        repositories: ["**"],
        delete: [{ untagged: true, olderThan: GRACE }],
      },
    ],
    registries: [
      {
        name: "registry",
        url: draft.from(
          "REGISTRY_URL",
          "registries.0.url",
          url === undefined ? undefined : address(url, "REGISTRY_URL", draft),
        ),
        ...credentials(variables, draft),
        insecure: draft.from("SELF_SIGNED_CERT", "registries.0.insecure", unchecked.includes(true)),
        tree: draft.from("REGISTRY_DIR", "registries.0.tree", value("REGISTRY_DIR") ?? FOLDER),
        prune: { dryRun: draft.from("DRY_RUN", "registries.0.prune.dryRun", dryRun) },
      },
    ],
  });
}

function refuseS3(value: (key: string) => string | undefined, draft: Draft): void {
  const storage = value("REGISTRY_STORAGE");
  if (storage !== undefined && /^s3/i.test(storage)) {
    draft.fault(
      "REGISTRY_STORAGE",
      "storage in S3 cannot be read yet; the tool needs a folder (REGISTRY_DIR) here",
    );
    return;
  }
  if (storage !== undefined && !/^(?:local|filesystem)$/i.test(storage)) {
    draft.fault("REGISTRY_STORAGE", `there is no storage ${JSON.stringify(storage)}`);
  }
  for (const key of S3_KEYS.filter((one) => value(one) !== undefined)) {
    draft.remark("", key, "is for storage in S3, and has no effect without REGISTRY_STORAGE=S3");
  }
}

/** The first colon parts them: a user has none, and a password may. */
function credentials(variables: Environment, draft: Draft): object {
  const text = variables["REGISTRY_AUTH"];
  if (!text) return {};
  const colon = text.indexOf(":");
  if (colon < 1 || colon === text.length - 1) {
    draft.fault("REGISTRY_AUTH", "must be USER:PASSWORD");
    return {};
  }
  const password = draft.from("REGISTRY_AUTH", "registries.0.password", text.slice(colon + 1));
  if (password.includes(":")) {
    draft.remark(
      "registries.0.password",
      "REGISTRY_AUTH",
      "all that follows the first colon; the tool cut the password off at the second",
    );
  }
  return {
    username: text.slice(0, colon),
    password: draft.secret("REGISTRY_PASSWORD", password),
  };
}
