import { expect, test } from "bun:test";
import { temporaryFolder } from "../../test/support/folder.ts";
import { failureOf } from "../../test/support/failure.ts";
import { parseName } from "../oci/name.ts";
import { openAudit } from "./audit.ts";
import { openProgress } from "./progress-file.ts";

const [A, B] = [parseName("a"), parseName("team/b")];

test("the next run of the same plan knows what is done, that of another plan nothing", async () => {
  await using folder = await temporaryFolder();
  const path = folder.at("plan.json.progress");
  const first = openProgress(path, "sha256:1");
  expect([...first.before]).toEqual([]);
  first.finished(A);
  first.finished(B);
  first.close();

  const second = openProgress(path, "sha256:1");
  expect([...second.before]).toEqual([A, B]);
  second.close();
  const other = openProgress(path, "sha256:2");
  expect([...other.before]).toEqual([]);
  other.close();
  other.remove();
  expect(await Bun.file(path).exists()).toBe(false);
});

test("of what a crash has cut off nothing is believed", async () => {
  await using folder = await temporaryFolder();
  const path = folder.at("progress");
  await Bun.write(path, "sha256:1\nteam/app\nteam/b");
  const progress = openProgress(path, "sha256:1");
  expect([...progress.before]).toEqual([]);
  progress.close();
});

test("an audit that cannot be written is an error of its own", async () => {
  await using folder = await temporaryFolder();
  await Bun.write(folder.at("file"), "");
  const failure = failureOf(
    Promise.resolve().then(() => openAudit(folder.at("file", "audit.jsonl"))),
  );
  expect(await failure).toMatchObject({ kind: "AUDIT_FAILED" });
});
