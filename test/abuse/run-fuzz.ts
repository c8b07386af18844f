import { parseArgs } from "node:util";
import { temporaryFolder } from "../support/folder.ts";
import { startWharf } from "../support/server.ts";
import { fuzz } from "./support/fuzz.ts";

/** `npm run fuzz -- --seconds N --seed N`: changed requests, for as long as one likes. */
const { values } = parseArgs({
  options: { seconds: { type: "string" }, seed: { type: "string" } },
});
const seconds = Number(values.seconds ?? 60);
const seed = Number(values.seed ?? Date.now() % 1_000_000);

await using folder = await temporaryFolder();
const data = folder.at("data");
await using server = await startWharf({ data });
console.log(`seed ${seed}, ${seconds} s`);
const { requests, statuses } = await fuzz({
  url: server.url,
  data,
  seed,
  duration: seconds * 1000,
});
console.log(`${requests} requests did no harm; they were answered`, statuses);
