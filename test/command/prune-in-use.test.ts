import { expect, setDefaultTimeout, test } from "bun:test";
import { pruneCommand } from "../../src/cli/prune.ts";
import { type Ran, runCommand } from "../support/command.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { type Fixture, image, index } from "../support/image.ts";
import { startWharf } from "../support/server.ts";

setDefaultTimeout(60_000);

interface Place extends AsyncDisposable {
  readonly folder: Folder;
  readonly host: string;
  readonly images: Readonly<Record<string, Fixture>>;
  /** Prunes everything but what these sources name. */
  prune(...sources: readonly string[]): Promise<Ran>;
  tags(): Promise<string[]>;
}

async function place(): Promise<Place> {
  const folder = await temporaryFolder();
  const server = await startWharf({ data: folder.at("data") });
  const images = {
    a: image(),
    b: image(),
    multi: index([image(), image()]),
    gone: image(),
    v1: image(),
  };
  for (const [tag, one] of Object.entries(images)) await one.push(server.url, "team/app", tag);
  const config = folder.at("wharf.yaml");
  return {
    folder,
    host: server.host,
    images,
    async prune(...sources) {
      const policy = {
        name: "all",
        repositories: ["**"],
        delete: [{ tags: ["*"] }],
        keep: [{ inUse: sources }],
      };
      const registries = [{ name: "here", url: server.url }];
      const keep = { state: folder.at("state") };
      await Bun.write(config, JSON.stringify({ retention: [policy], registries, keep }));
      const environment = { PATH: process.env["PATH"] ?? "", HOME: folder.path };
      return await runCommand(pruneCommand, ["-c", config, "--yes"], { environment });
    },
    async tags() {
      const answer = await fetch(`${server.url}/v2/team/app/tags/list`);
      return ((await answer.json()) as { tags: string[] }).tags.toSorted();
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("what somebody runs stays, by its tag, by a platform's digest, and by its image ID", async () => {
  await using here = await place();
  const { images, folder } = here;
  const status = {
    imageID: `docker-pullable://elsewhere.example/team/app@${images["multi"]?.children[1]?.digest}`,
  };
  const pods = {
    kind: "List",
    items: [
      {
        kind: "Pod",
        metadata: { name: "web" },
        spec: { containers: [{ name: "c", image: "elsewhere.example/team/app:b" }] },
        status: { containerStatuses: [status] },
      },
    ],
  };
  await Bun.write(folder.at("pods.json"), JSON.stringify(pods));
  await Bun.write(
    folder.at("deploy/compose.yml"),
    `services: { a: { image: "${here.host}/team/app:\${TAG:-v1}" } }\n`,
  );
  const config = images["a"]?.blobs[0]?.descriptor.digest ?? "";

  const ran = await here.prune(
    `kubernetes:${folder.at("pods.json")}`,
    `manifests:${folder.at("deploy")}`,
    `command:echo ${config.slice("sha256:".length, "sha256:".length + 12)}`,
  );

  expect(ran).toMatchObject({ exit: 0 });
  expect(ran.err.join("\n")).toContain('is taken as its default, "127.0.0.1');
  expect(await here.tags()).toEqual(["a", "b", "multi", "v1"]);
});

test("nothing goes while one source cannot be read, and the report names it", async () => {
  await using here = await place();
  const { folder } = here;
  await Bun.write(folder.at("images.txt"), "team/app:b\n");
  await Bun.write(folder.at("pods.json"), '{"kind":"List","items":[{"kind":"Po');
  const before = await here.tags();
  const broken = [
    `file:${folder.at("nowhere")}`,
    "command:echo team/app:b; exit 1",
    `kubernetes:${folder.at("pods.json")}`,
    `manifests:${folder.at("data")}`,
  ];

  for (const source of broken) {
    const ran = await here.prune(`file:${folder.at("images.txt")}`, source);
    expect({ source, ...ran, exit: ran.exit }).toMatchObject({ source, exit: 3 });
    expect([...ran.out, ...ran.err].join("\n")).toContain(source);
    expect(await here.tags()).toEqual(before);
  }
});
