import { parseArgs } from "node:util";
import { expectClean } from "../support/clean.ts";
import { temporaryFolder } from "../support/folder.ts";
import { newlyOpen, openFiles } from "../support/linux.ts";
import { startWharf } from "../support/server.ts";
import { followed, uploadFiles } from "../protocol/support/stored.ts";
import { median, slope, soak } from "./support/soak.ts";

/** `npm run soak -- --minutes 30`: whether anything grows that should not, under everything at once. */
const { values } = parseArgs({
  options: { minutes: { type: "string" }, seed: { type: "string" } },
});
const minutes = Number(values.minutes ?? 30);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
/** Megabytes that the end may lie above the beginning, when it has warmed up. */
const FLAT = 30;

await using folder = await temporaryFolder();
const data = folder.at("data");
// As the launcher starts it: without these, garbage is collected when the machine is full.
const env = { UV_THREADPOOL_SIZE: "16", BUN_JSC_forceRAMSize: String(256 * 1024 * 1024) };
await using server = await startWharf({ data, env });
console.log(`seed ${seed}, ${minutes} minutes`);
await soak(server, 5000, seed);
await followed(data);
const before = await openFiles(server.pid);
const { done, memory } = await soak(server, minutes * 60_000, seed + 1);
await followed(data);

const warm = memory.slice(Math.min(300, Math.floor(memory.length / 3)));
const third = Math.floor(warm.length / 3);
const [first, last] = [median(warm.slice(0, third)), median(warm.slice(-third))];
const open = await newlyOpen(server.pid, before);
const left = await uploadFiles(data);
console.log("done", done);
const minuteByMinute = Array.from({ length: Math.ceil(memory.length / 60) }, (_, minute) =>
  median(memory.slice(minute * 60, minute * 60 + 60)).toFixed(0),
);
console.log(`memory in each minute, MB: ${minuteByMinute.join(" ")}`);
console.log(
  `memory: ${first.toFixed(0)} MB in the first third after warming up, ${last.toFixed(0)} MB in the last; ` +
    `most ${Math.max(...memory).toFixed(0)} MB; ${slope(warm).toFixed(2)} MB a minute`,
);
console.log(`descriptors left open: ${open.length}; files of uploads: ${left.length}`);
await server.stop();
const checked = await expectClean(data);
console.log("the check is clean", checked);
if (last - first > FLAT || open.length > 0 || left.length > 0) process.exit(1);
