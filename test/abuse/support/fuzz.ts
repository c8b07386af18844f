import { expectCleanServer } from "../../support/clean.ts";
import { type Fixture, image } from "../../support/image.ts";
import { notServed } from "../../support/pull.ts";
import { startUpload } from "../../support/push.ts";
import { connectRaw } from "../../protocol/support/raw.ts";
import { recordCorpus, NAME, UPLOAD_ID } from "./corpus.ts";
import { mutate } from "./mutate.ts";
import { Random } from "../../support/random.ts";
import { acknowledged, keptContent, possiblyStored } from "./kept.ts";

export interface FuzzOptions {
  readonly url: string;
  readonly data: string;
  readonly seed: number;
  /** Milliseconds. */
  readonly duration: number;
}

export interface FuzzReport {
  readonly requests: number;
  /** How often each status was answered; `none`: no answer, as to a request that does not end. */
  readonly statuses: Readonly<Record<string, number>>;
}

const LANES = 16;
/** Requests between two looks at whether an image can be pulled. */
const LOOK_EVERY = 200;
/** After this the server is told that nothing more will come. */
const QUIET_MS = 300;

/**
 * Sends changed requests, and throws when something happens that must not: an answer that says the
 * server failed, more answers than requests, a server that is gone, content that nobody was told of.
 * The same seed sends the same requests, but for the ids of uploads.
 */
export async function fuzz({ url, data, seed, duration }: FuzzOptions): Promise<FuzzReport> {
  const port = Number(new URL(url).port);
  const safe = image({ layers: 2 });
  await safe.push(url, "safe/app", "v1");
  const corpus = await recordCorpus(port);
  const told = await keptContent(data);
  const unanswered: string[] = [];
  const statuses: Record<string, number> = {};
  const deadline = performance.now() + duration;
  let next = 0;

  const lane = async (): Promise<void> => {
    while (performance.now() < deadline) {
      const number = next++;
      const random = new Random(seed * 1_000_003 + number);
      const input = mutate(random.pick(corpus), random.pick(corpus), random);
      const sent = await withOpenUpload(input, url);
      const got = await send(port, sent);
      const found = answersIn(got);
      const fail = (why: string): never => {
        const request = JSON.stringify(sent.toString("latin1").slice(0, 4000));
        throw new Error(
          `seed ${seed}, request ${number}: ${why}\n${request}\n${got.slice(0, 2000)}`,
        );
      };
      for (const status of found) statuses[status] = (statuses[status] ?? 0) + 1;
      if (found.length === 0) statuses["none"] = (statuses["none"] ?? 0) + 1;
      if (found.some((status) => status >= 500 && status !== 505)) fail("the server failed");
      if (found.filter((status) => !REFUSED.has(status)).length > requestsIn(sent)) {
        fail("more was answered than asked");
      }
      for (const one of acknowledged(sent.toString("latin1"), got)) told.add(one);
      // The parser's refusal of what stands behind a request takes the place of an answer that is not
      // ready yet: nobody is told then what became of the request.
      if (found.length < requestsIn(sent) || PARSER.test(got))
        unanswered.push(sent.toString("latin1"));
      if (number % LOOK_EVERY === 0) await expectServed(url, safe, fail);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));

  const silent = possiblyStored(unanswered);
  for (const kept of await keptContent(data)) {
    // What was asked for without an answer being waited for may have been done.
    if (told.has(kept) || silent.includes(kept.split(" ")[2] ?? kept)) continue;
    throw new Error(`seed ${seed}: ${kept} is stored, and nobody was told so`);
  }
  await expectCleanServer(url);
  const after = image();
  await after.push(url, NAME, "after");
  const lost = await notServed(url, NAME, "after", after);
  if (lost.length > 0) throw new Error(`seed ${seed}: ${lost.join("; ")}`);
  return { requests: next, statuses };
}

/** Answers of the parser, which may come for whatever stands behind a request that was served. */
const REFUSED = new Set([100, 400, 413, 417, 431, 505]);

/** A refusal that is not ours has no header but one. */
const PARSER = /HTTP\/1\.1 (?:4|505).*\r\nConnection: close\r\n\r\n/;

async function expectServed(url: string, safe: Fixture, fail: (why: string) => never) {
  const lost = await notServed(url, "safe/app", "v1", safe);
  if (lost.length > 0) fail(lost.join("; "));
}

async function withOpenUpload(input: Buffer, url: string): Promise<Buffer> {
  const text = input.toString("latin1");
  if (!text.includes(UPLOAD_ID)) return input;
  const id = (await startUpload(url, NAME)).split("/").at(-1) ?? "";
  return Buffer.from(text.replaceAll(UPLOAD_ID, id), "latin1");
}

/** All that comes back, as text of one character a byte. */
async function send(port: number, bytes: Buffer): Promise<string> {
  using connection = await connectRaw(port);
  await connection.send(bytes);
  const all = connection.rest();
  const ended = await Promise.race([all.then(() => true), Bun.sleep(QUIET_MS).then(() => false)]);
  if (!ended) connection.finish();
  return Buffer.from(await all).toString("latin1");
}

function answersIn(text: string): number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

/** At most so many requests can be meant: each has a line that ends like this. */
function requestsIn(bytes: Buffer): number {
  return (bytes.toString("latin1").match(/ HTTP\/1\.[01]\r?\n/g) ?? []).length;
}
