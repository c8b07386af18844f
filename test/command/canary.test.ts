import { expect, setDefaultTimeout, test } from "bun:test";
import { composeVariables, legacyFolder, startOurs } from "../support/drop-in.ts";
import { filesBelow, temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { receiver } from "../support/receiver.ts";
import { join } from "node:path";

setDefaultTimeout(60_000);

test("no secret of a distribution configuration is written anywhere, whatever it is for", async () => {
  await using folder = await temporaryFolder();
  await using listener = receiver();
  await Bun.write(folder.at("secret"), "canary-file-91\n");
  const env = {
    ...(await composeVariables("registry-gc", "registry-server")),
    REGISTRY_HTTP_SECRET_FILE: folder.at("secret"),
    REGISTRY_REDIS_PASSWORD: "canary-redis",
    REGISTRY_LOG_HOOKS: "[{type: mail, options: {smtp: {password: canary-mail}}}]",
    REGISTRY_REPORTING_BUGSNAG_APIKEY: "canary-bugsnag",
    REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL: listener.url.replace("//", "//user:canary-url@"),
    REGISTRY_NOTIFICATIONS_ENDPOINTS_0_HEADERS: "{Authorization: [Bearer canary-header]}",
    REGISTRY_PASS: "canary-unknown",
    REGISTRY_LOG_LEVEL: "debug",
  };
  const config = join(legacyFolder("registry-gc"), "config.yml");
  const server = await startOurs({ config, env, data: folder.at("data") });
  await image().push(server.url, "team/app", "v1");
  await listener.until(3);
  await server.stop();

  expect(listener.deliveries[0]?.headers["authorization"]).toContain("canary-header");
  expect(server.logs()).toContain("reporting, log.hooks, REGISTRY_PASS");
  expect(server.logs()).not.toContain("canary");
  for (const file of await filesBelow(folder.at("data"))) {
    const text = await Bun.file(folder.at("data", file)).text();
    expect({ file, secret: text.includes("canary") }).toEqual({ file, secret: false });
  }
});
