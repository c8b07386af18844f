import { createHmac } from "node:crypto";
import { expect, test } from "bun:test";
import { receiver } from "../../test/support/receiver.ts";
import { type ReportEndpoint, postReport } from "./post-report.ts";

const report = { kind: "prune-report", tags: 3 };

function endpoint(url: string, more: Partial<ReportEndpoint> = {}): ReportEndpoint {
  return { url, headers: {}, ...more };
}

const no = () => new Response(null, { status: 503 });

test("a report is posted as JSON, signed as notifications are, with the configured headers", async () => {
  await using there = receiver(() => new Response(null, { status: 200 }));
  const headers = { authorization: ["Bearer xyz"] };

  const posted = await postReport([endpoint(there.url, { secret: "s3cret", headers })], report);

  expect(posted).toEqual([{ where: new URL(there.url).origin, reason: null }]);
  const [delivery] = there.deliveries;
  expect(JSON.parse(delivery?.body ?? "")).toEqual(report);
  const signature = createHmac("sha256", "s3cret")
    .update(delivery?.body ?? "")
    .digest("hex");
  expect(delivery?.headers).toMatchObject({
    "content-type": "application/json",
    authorization: "Bearer xyz",
    "x-hub-signature-256": `sha256=${signature}`,
  });
});

test("one that fails is tried again, and the other endpoints do not wait for it", async () => {
  await using flaky = receiver((_, count) => (count < 3 ? no() : new Response(null)));
  await using other = receiver(() => new Response(null));

  const posted = await postReport([endpoint(flaky.url), endpoint(other.url)], report, {
    chance: () => 1,
  });

  expect(posted.map(({ reason }) => reason)).toEqual([null, null]);
  expect(flaky.deliveries).toHaveLength(3);
  expect(other.deliveries).toHaveLength(1);
});

test("one that never takes it is given up, without an error and without its secrets", async () => {
  await using there = receiver(no);

  const posted = await postReport([endpoint(`${there.url}?token=s3cret`)], report, {
    patience: 0,
  });

  expect(posted).toEqual([{ where: new URL(there.url).origin, reason: "it answered 503" }]);
});

test("a stop ends all attempts", async () => {
  await using there = receiver(no);
  const stop = AbortSignal.timeout(50);

  const [posted] = await postReport([endpoint(there.url)], report, { stop });

  expect(posted?.reason).toBeString();
});
