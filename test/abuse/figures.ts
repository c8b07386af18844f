import { temporaryFolder } from "../support/folder.ts";
import { residentMemory } from "../support/linux.ts";
import { mediaTypes } from "../support/oci.ts";
import { startWharf } from "../support/server.ts";
import { fresh, pushBytes } from "../protocol/support/content.ts";
import { type RawConnection, chunk, connectRaw, rawRequest } from "../protocol/support/raw.ts";

/**
 * `node bin/bun.mjs test/abuse/figures.ts`: what abuse costs the others, measured on a server of its own
 * process. Not a test: it says numbers, and the machine may be busy.
 */

await using folder = await temporaryFolder();
await using wharf = await startWharf({ data: folder.at("data") });
const port = Number(new URL(wharf.url).port);
const name = "figures/app";
const blob = fresh(100_000);
await pushBytes(wharf.url, name, blob.bytes);
const pullRequest = rawRequest("GET", `/v2/${name}/blobs/${blob.descriptor.digest}`);

/** Pulls of 100 kB over one connection; milliseconds of each, sorted. */
async function pulls(count: number): Promise<number[]> {
  using connection = await connectRaw(port);
  const times: number[] = [];
  for (let at = 0; at < count; at++) {
    const began = performance.now();
    await connection.send(pullRequest);
    const answer = await connection.answer();
    if (answer?.bytes.length !== 100_000) throw new Error(`a pull was answered ${answer?.status}`);
    times.push(performance.now() - began);
  }
  return times.toSorted((a, b) => a - b);
}

const at = (times: readonly number[], part: number): string =>
  `${(times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0).toFixed(2)} ms`;
const told = (times: readonly number[]): string =>
  `p50 ${at(times, 0.5)}, p99 ${at(times, 0.99)}, most ${at(times, 1)}`;

async function open(count: number): Promise<RawConnection[]> {
  const all: RawConnection[] = [];
  while (all.length < count) {
    const some = Array.from({ length: Math.min(100, count - all.length) }, () => connectRaw(port));
    all.push(...(await Promise.all(some)));
  }
  return all;
}

async function memory(): Promise<string> {
  return `${(await residentMemory(wharf.pid)).toFixed(0)} MB resident`;
}

await pulls(3000);
console.log(`alone: pulls ${told(await pulls(3000))}; ${await memory()}`);

for (const framing of ["Content-Length", "chunked"]) {
  const before = await residentMemory(wharf.pid);
  let most = before;
  const block = new Uint8Array(1024 * 1024).fill(0x5b);
  using connection = await connectRaw(port);
  const head =
    framing === "chunked" ? "Transfer-Encoding: chunked" : `Content-Length: ${1024 * block.length}`;
  const target = `/v2/${name}/manifests/v1`;
  await connection.send(
    rawRequest("PUT", target, { headers: [`Content-Type: ${mediaTypes.image}`, head] }),
  );
  const answer = connection.answer();
  for (let sent = 0; sent < 1024; sent++) {
    await connection.send(framing === "chunked" ? chunk(block) : block);
    if (sent % 16 === 0) most = Math.max(most, await residentMemory(wharf.pid));
  }
  if (framing === "chunked") await connection.send(chunk(""));
  const status = (await answer)?.status;
  console.log(
    `a manifest of 1 GiB, ${framing}: ${status}, memory +${(most - before).toFixed(1)} MB`,
  );
}

{
  const dripping = await open(1000);
  for (const connection of dripping) await connection.send("GET /v2/ HTTP/1.1\r\nHost: a\r\nX: ");
  let over = false;
  const drips = (async () => {
    while (!over) {
      for (const connection of dripping) void connection.send("a");
      await Bun.sleep(500);
    }
  })();
  console.log(`1,000 clients drip headers: pulls ${told(await pulls(3000))}; ${await memory()}`);
  over = true;
  await drips;
  for (const connection of dripping) connection.hangUp();
}

{
  const idle = await open(10_000);
  for (const connection of idle) {
    await connection.send(rawRequest("GET", "/v2/"));
    await connection.answer();
  }
  const times = await pulls(3000);
  console.log(`10,000 idle connections: pulls ${told(times)}; ${await memory()}`);
  await Bun.sleep(11_000);
  console.log(`  after two looks at them: pulls ${told(await pulls(3000))}; ${await memory()}`);
  for (const connection of idle) connection.hangUp();
}
