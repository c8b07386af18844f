import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { startWharf } from "../support/server.ts";
import { isLinearizable } from "./support/history.ts";
import { Random } from "../support/random.ts";
import { seedOfRun } from "./support/seed.ts";
import { recordHistories } from "./support/tag-clients.ts";

setDefaultTimeout(600_000);

const seed = seedOfRun();
const rounds = process.env["DURABILITY"] === "thorough" ? 200 : 4;

describe(`tags are linearizable (DURABILITY_SEED=${seed})`, () => {
  test("under ten clients that push, delete, read and list the same few tags", async () => {
    await using folder = await temporaryFolder();
    await using wharf = await startWharf({ data: folder.at("data") });
    const random = new Random(seed);
    const images = Array.from({ length: 5 }, () => image());
    for (const one of images) await one.push(wharf.url, "team/app");
    let operations = 0;
    for (let round = 0; round < rounds; round++) {
      const tags = [0, 1, 2].map((n) => `r${round}-${n}`);
      const on = { repository: "team/app", images, tags };
      const histories = await recordHistories(wharf.url, on, { clients: 10, each: 40 }, random);
      for (const { tag, operations: history } of histories) {
        operations += history.length;
        if (!isLinearizable(history)) throw new Error(`${tag}:\n${JSON.stringify(history)}`);
      }
    }
    expect(operations).toBeGreaterThan(rounds * 400);
  });
});
