import { expect, test } from "bun:test";
import { startRegistry } from "../../../test/protocol/support/registry.ts";
import { image } from "../../../test/support/image.ts";

test("a config that only another repository has is not read for whoever names it", async () => {
  await using registry = await startRegistry({ sparse: true });
  const theirs = image({ platform: { os: "plan9", architecture: "mips" } });
  await theirs.push(registry.url, "secret/app", "v1");
  const put = await registry.ask("PUT", "/v2/mine/app/manifests/v1", {
    headers: { "content-type": theirs.mediaType },
    body: theirs.bytes,
  });
  expect(put.status).toBe(201);

  const described = async (path: string): Promise<unknown> =>
    JSON.parse((await registry.ask("GET", path)).text).platforms;
  expect(await described("/api/v1/manifests/secret/app/v1")).toEqual(["plan9/mips"]);
  expect(await described("/api/v1/manifests/mine/app/v1")).toEqual([]);
});
