import { expect, setDefaultTimeout, test } from "bun:test";
import { temporaryFolder } from "../support/folder.ts";
import { startWharf } from "../support/server.ts";
import { fuzz } from "./support/fuzz.ts";
import { mutate } from "./support/mutate.ts";
import { Random } from "../support/random.ts";

setDefaultTimeout(60_000);

/** Another one each day, so that more is tried than one machine has time for; printed where it fails. */
const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Date.now() / 86_400_000));

test(`recorded requests with some bytes changed do no harm (seed ${seed})`, async () => {
  await using folder = await temporaryFolder();
  const data = folder.at("data");
  await using server = await startWharf({ data });

  const { requests, statuses } = await fuzz({ url: server.url, data, seed, duration: 4000 });

  expect(requests).toBeGreaterThan(50);
  // It is of use only when some get through and some do not.
  expect(Object.keys(statuses).length).toBeGreaterThan(4);
});

test("the same seed changes a request in the same way, and other seeds in others", () => {
  const input = Buffer.from("GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n");
  const made = (number: number) => mutate(input, input, new Random(number)).toString("latin1");

  expect(made(1)).toBe(made(1));
  expect(new Set(Array.from({ length: 100 }, (_, number) => made(number))).size).toBeGreaterThan(
    80,
  );
});
