import { describe, expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import { secretPrompt } from "./ask-secret.ts";

/** A terminal that somebody types at. */
class Keyboard extends EventEmitter {
  raw = false;
  readonly modes: boolean[] = [];
  setRawMode(on: boolean): void {
    this.raw = on;
    this.modes.push(on);
  }
  resume(): void {}
  pause(): void {}
  type(...pieces: (string | Uint8Array)[]): void {
    for (const piece of pieces) this.emit("data", Buffer.from(piece as string));
  }
}

function given() {
  const keyboard = new Keyboard();
  let shown = "";
  const ask = secretPrompt(keyboard, (text) => void (shown += text));
  return { keyboard, ask, shown: () => shown };
}

describe("a secret", () => {
  test.each([
    [["secret\r"], "secret"],
    [["se", "cret", "\n"], "secret"],
    [["secrex\u007Ft\r"], "secret"],
    [["wrong\u0015secret\r"], "secret"],
    [["\u007F\u007Fa\r"], "a"],
    [["pä\u007Fa\u001B\r"], "pa"],
    [["secret\u0004"], "secret"],
    [["\r"], ""],
  ])("typed as %j is %p", async (keys, secret) => {
    const { keyboard, ask, shown } = given();
    const answer = ask("Password: ");
    expect(keyboard.raw).toBe(true);
    keyboard.type(...keys);
    expect(await answer).toBe(secret);
    expect(shown()).toBe("Password: \n");
    expect(keyboard.modes).toEqual([true, false]);
    expect(keyboard.listenerCount("data")).toBe(0);
  });

  test("may come in pieces of a letter", async () => {
    const { keyboard, ask } = given();
    const answer = ask("");
    keyboard.type(new Uint8Array([0xc3]), new Uint8Array([0xa4]), "\r");
    expect(await answer).toBe("ä");
  });

  test("that is pasted with the next one answers both questions", async () => {
    const { keyboard, ask } = given();
    const first = ask("");
    keyboard.type("one\ntwo\n");
    expect(await first).toBe("one");
    expect(await ask("")).toBe("two");
  });

  test.each(["\u0003", "abc\u0003", "\u0004"])("is given up with %j", async (keys) => {
    const { keyboard, ask } = given();
    const answer = ask("");
    keyboard.type(keys);
    expect(answer).rejects.toThrow("nothing was entered");
    await answer.catch(() => undefined);
    expect(keyboard.raw).toBe(false);
  });
});
