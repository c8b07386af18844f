import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments, stringify } from "yaml";
import { EVERY_ADDRESS } from "../src/config/values.ts";
import { readConfig, type Loaded } from "../src/config/load.ts";
import { legacyFolder } from "./support/drop-in.ts";
import { temporaryFolder } from "./support/folder.ts";

const root = join(import.meta.dir, "..");
const deploy = join(root, "deploy");
const chart = join(deploy, "helm", "wharfinger");

const read = (...path: string[]): Promise<string> => Bun.file(join(...path)).text();

async function loaded(text: string, environment: Record<string, string> = {}): Promise<Loaded> {
  await using folder = await temporaryFolder();
  await Bun.write(folder.at("config.yml"), text);
  return readConfig({ file: folder.at("config.yml"), environment, flags: {} });
}

describe("the image", () => {
  test("serves, without anything mounted, what registry:2 does", async () => {
    const { config, warnings } = await loaded(await read(deploy, "docker", "config.yml"));

    expect(config).toMatchObject({
      listen: { hostname: EVERY_ADDRESS, port: 5000 },
      data: "/var/lib/registry",
      delete: false,
    });
    expect(warnings).toEqual([expect.stringContaining("there is no auth")]);
  });

  test("copies what is there, and what .dockerignore lets through", async () => {
    const text = await read(deploy, "docker", "Dockerfile");
    const copied = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      ([, files]) => files?.split(" ") ?? [],
    );
    const allowed = (await read(root, ".dockerignore"))
      .split("\n")
      .flatMap((line) => (line.startsWith("!") ? [line.slice(1)] : []));

    expect(copied.length).toBeGreaterThan(5);
    expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(copied.filter((path) => !allowed.some((one) => path.startsWith(one)))).toEqual([]);
  });
});

describe("a compose file for a setup that people have", () => {
  test.each([
    ["private-registry", "registry:2"],
    ["registry-gc", "registry:2.8.2"],
  ])("differs from theirs by the name of the image alone: %s", async (name, image) => {
    const theirs = await read(legacyFolder(name), "compose.yml");
    const ours = await read(deploy, "compose", `${name}.yml`);

    expect(ours).toBe(theirs.replace(`image: ${image}\n`, "image: wharfinger:0.1.0\n"));
    expect(ours).not.toBe(theirs);
  });
});

describe("the unit of systemd", () => {
  test.skipIf(Bun.which("systemd-analyze") === null)("is one that systemd takes", async () => {
    await using folder = await temporaryFolder();
    const unit = await read(deploy, "systemd", "wharfinger.service");
    // It looks whether the program is there.
    await Bun.write(folder.at("wharf"), "#!/bin/sh\n");
    chmodSync(folder.at("wharf"), 0o755);
    const path = folder.at("wharfinger.service");
    await Bun.write(path, unit.replaceAll("/usr/bin/wharf", folder.at("wharf")));

    const { stderr, exitCode } = Bun.spawnSync(["systemd-analyze", "verify", path]);

    expect({ said: stderr.toString(), exitCode }).toEqual({ said: "", exitCode: 0 });
  });

  test("starts with a configuration that is right", async () => {
    const { config } = await loaded(await read(deploy, "systemd", "config.yml"));

    expect(config.data).toBe("/var/lib/wharfinger");
  });
});

describe("the chart", () => {
  interface Values {
    readonly configData: unknown;
    readonly [name: string]: unknown;
  }
  const values = async () => parse(await read(chart, "values.yaml")) as Values;

  test("has the names that users of the chart docker-registry know", async () => {
    const names = Object.keys(await values());

    expect(names).toEqual(
      expect.arrayContaining(
        (
          "replicaCount updateStrategy podAnnotations podLabels serviceAccount image deployment " +
          "service ingress resources persistence storage secrets proxy metrics configPath " +
          "configData containerSecurityContext securityContext priorityClassName " +
          "podDisruptionBudget autoscaling nodeSelector affinity tolerations " +
          "extraVolumeMounts extraVolumes extraEnvVars initContainers garbageCollect"
        ).split(" "),
      ),
    );
  });

  test("serves its configuration", async () => {
    const { config, warnings } = await loaded(stringify((await values()).configData), {
      REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: "/var/lib/registry",
      REGISTRY_HTTP_SECRET: "unused",
    });

    expect(config).toMatchObject({ data: "/var/lib/registry", debug: { listen: { port: 5001 } } });
    expect(warnings).toEqual([expect.stringContaining("there is no auth")]);
  });

  const helm = Bun.which("helm");
  const render = (...args: string[]) => {
    const command = [helm ?? "", "template", "release", chart, ...args];
    const { stdout, stderr, exitCode } = Bun.spawnSync(command);
    return { out: stdout.toString(), err: stderr.toString(), exitCode };
  };

  test.skipIf(helm === null)("renders, with defaults and with everything on", async () => {
    const everything = join(root, "test", "fixtures", "helm", "values.yaml");
    for (const args of [[], ["-f", everything]]) {
      const { out, exitCode } = render(...args);
      const documents = parseAllDocuments(out);
      const all = Array.isArray(documents) ? documents : [];
      const kinds = all.map((one) => (one.toJS() as { kind: string } | null)?.kind);

      expect(exitCode).toBe(0);
      expect(all.flatMap(({ errors }) => errors)).toEqual([]);
      expect(kinds).toEqual(
        expect.arrayContaining(["Deployment", "Service", "ConfigMap", "Secret"]),
      );
      expect(kinds).not.toContain("CronJob");
    }
  });

  test.skipIf(helm === null).each(["storage=s3", "proxy.enabled=true", "replicaCount=2"])(
    "refuses what would mean something else: %s",
    (setting) => {
      const { err, exitCode } = render("--set", setting);

      expect(exitCode).not.toBe(0);
      expect(err).toContain("not supported");
    },
  );
});
