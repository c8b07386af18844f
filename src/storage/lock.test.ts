import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockFolder, readOwner } from "./lock.ts";

setDefaultTimeout(20_000);

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "wharf-test-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** What taking the folder fails with. */
function refusal(): unknown {
  try {
    lockFolder(folder).release();
  } catch (error) {
    return error;
  }
  return "it was taken";
}

const inUse = (who: string): unknown =>
  expect.objectContaining({ kind: "DATA_FOLDER", message: expect.stringContaining(who) });

/** Another process that takes the folder, and keeps it until it is killed. */
async function otherProcess(work = "globalThis.lock = lock;") {
  const program = `
    const { lockFolder } = await import(${JSON.stringify(new URL("./lock.ts", import.meta.url).href)});
    try {
      const lock = lockFolder(${JSON.stringify(folder)});
      ${work}
      console.log("taken");
    } catch (error) {
      console.log(error.kind);
      process.exit(0);
    }
    setInterval(() => {}, 1000);
  `;
  const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" });
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
  };
  const { value } = await child.stdout.getReader().read();
  const says = new TextDecoder().decode(value).trim();
  return { pid: child.pid, says, kill, [Symbol.asyncDispose]: kill };
}

describe("a data folder", () => {
  test("is taken by one process at a time: a second one is told who has it", async () => {
    const lock = lockFolder(folder);

    await using other = await otherProcess();

    expect(other.says).toBe("DATA_FOLDER");
    lock.release();
  });

  test("of another process is refused with its number, and with its address once that is known", async () => {
    await using silent = await otherProcess();
    expect(refusal()).toEqual(inUse(`process ${silent.pid} has it open`));
    await silent.kill();

    await using announced = await otherProcess(
      'globalThis.lock = lock; lock.announce("http://127.0.0.1:5000");',
    );
    expect(refusal()).toEqual(
      inUse(`process ${announced.pid} at http://127.0.0.1:5000 has it open`),
    );
  });

  test("is free as soon as its process is dead, however it died", async () => {
    await using other = await otherProcess();
    expect(refusal()).toEqual(inUse(`process ${other.pid}`));

    await other.kill();

    expect(refusal()).toBe("it was taken");
  });

  test("is kept although nobody holds on to the lock: only its release, or death, gives it back", async () => {
    await using other = await otherProcess("setTimeout(() => Bun.gc(true), 0);");
    await Bun.sleep(200);

    expect(refusal()).toEqual(inUse(`process ${other.pid}`));
  });

  test("is not taken twice by the same process either", () => {
    const lock = lockFolder(folder);

    expect(refusal()).toEqual(inUse(`process ${process.pid}`));
    lock.release();
  });

  test("can be taken again after it was released", () => {
    lockFolder(folder).release();

    expect(refusal()).toBe("it was taken");
  });

  test("that a refused process looked at still belongs to its owner", async () => {
    const lock = lockFolder(folder);
    expect(refusal()).toEqual(inUse("has it open"));

    await using other = await otherProcess();
    expect(other.says).toBe("DATA_FOLDER");
    expect(readOwner(folder)?.pid).toBe(process.pid);
    lock.release();
  });

  test("is refused as one that cannot be used when its lock cannot be opened", async () => {
    await mkdir(join(folder, "lock"));

    expect(refusal()).toMatchObject({
      kind: "DATA_FOLDER",
      message: expect.stringContaining("its lock cannot be taken"),
    });
  });
});

describe("who has it", () => {
  test("can be read while it is open, and not after", () => {
    const began = Date.now();
    const lock = lockFolder(folder);

    expect(readOwner(folder)).toMatchObject({ pid: process.pid, url: null });
    expect(Date.parse(readOwner(folder)?.since ?? "")).toBeWithin(began - 1, Date.now() + 1);
    lock.announce("http://127.0.0.1:5000");
    expect(readOwner(folder)).toMatchObject({ pid: process.pid, url: "http://127.0.0.1:5000" });

    lock.release();
    expect(readOwner(folder)).toBeNull();
  });

  test.each([
    ["is not there", null],
    ["is empty", ""],
    ["is torn", '{"pid":1'],
    ["is no JSON", "hello"],
  ])(
    "is nobody when the file that says so %s, and the lock holds all the same",
    async (_, text) => {
      const lock = lockFolder(folder);
      const path = join(folder, "owner.json");
      if (text === null) await rm(path);
      else await Bun.write(path, text);

      expect(readOwner(folder)).toBeNull();
      expect(refusal()).toEqual(inUse("another process has it open"));
      lock.release();
    },
  );

  test("is not believed when it is left over from a process that died", async () => {
    await using other = await otherProcess();
    await other.kill();
    expect(readOwner(folder)?.pid).toBe(other.pid);

    const lock = lockFolder(folder);

    expect(readOwner(folder)?.pid).toBe(process.pid);
    lock.release();
  });
});
