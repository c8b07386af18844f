import { describe, expect, test } from "bun:test";
import { failureOf } from "../../../test/support/failure.ts";
import { Deadline } from "./deadline.ts";
import { Reply } from "./reply.ts";

function reply(body: string | ReadableStream | null, contentType = "application/json"): Reply {
  const response = new Response(body, { headers: { "content-type": contentType } });
  return new Reply(
    response,
    new Deadline(1000, 1000),
    "GET",
    new URL("http://registry/v2/?secret"),
  );
}

describe("the body of an answer", () => {
  test("is read whole when it is within the limit", async () => {
    expect(await reply("12345").read(5)).toEqual(new TextEncoder().encode("12345"));
    expect(await reply(null).read(5)).toEqual(new Uint8Array());
  });

  test("is left where it passes the limit, and the rest never asked for", async () => {
    let sent = 0;
    const endless = new ReadableStream({
      pull(body) {
        sent++;
        body.enqueue(new Uint8Array(1024));
      },
    });

    expect((await failureOf(reply(endless).read(10_000))).message).toContain(
      "larger than 10000 bytes",
    );
    expect(sent).toBeLessThan(50);
  });

  test("is an object, or an error that says what it is instead, and from where", async () => {
    expect(await reply('{"a":1}').object(100)).toEqual({ a: 1 });

    const refused: [string, string, string][] = [
      ["<html>", "text/html; charset=utf-8", "is a web page"],
      ["<html>", "text/plain", "is not JSON"],
      ["", "application/json", "is not JSON"],
      ["[1]", "application/json", "is not a JSON object"],
      ["null", "application/json", "is not a JSON object"],
      ['{"a":1,"a":2}', "application/json", "is not JSON"],
      ["[".repeat(90), "application/json", "is not JSON"],
    ];
    for (const [body, type, why] of refused) {
      const { message } = await failureOf(reply(body, type).object(100));
      expect(message).toContain(why);
      expect(message).toContain("http://registry");
      expect(message).not.toContain("secret");
    }
  });

  test("may be discarded at any time", async () => {
    const one = reply("12345");
    await one.discard();
    await one.discard();

    const read = reply("12345");
    await read.read(5);
    await read.discard();
  });
});
