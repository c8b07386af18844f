import { expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { type Receiver, receiver } from "../support/receiver.ts";
import { type Server, startWharf } from "../support/server.ts";

setDefaultTimeout(60_000);

async function reloaded(server: Server): Promise<void> {
  const times = (): number => server.logs().split("the configuration was read again").length;
  const before = times();
  process.kill(server.pid, "SIGHUP");
  await eventually(
    async () => times(),
    (count) => count > before,
  );
  expect(times()).toBe(before + 1);
}

function tags(to: Receiver): string[] {
  return to.events.flatMap(({ target }) => (target.tag === undefined ? [] : [target.tag]));
}

test("a reload while clients push loses no event of an endpoint that stays, and lets a new one begin", async () => {
  await using folder = await temporaryFolder();
  await using stays = receiver();
  await using comes = receiver();
  const file = folder.at("wharf.yaml");
  const configure = async (...to: Receiver[]): Promise<void> => {
    const endpoints = to.map(({ url }, n) => ({
      name: `e${n}`,
      url,
      ignore: { actions: ["pull"] },
    }));
    await Bun.write(file, JSON.stringify({ notifications: { endpoints } }));
  };
  await configure(stays);
  await using wharf = await startWharf({ data: folder.at("data"), args: [file] });
  const one = image();
  const pushed: string[] = [];
  let over = false;
  const clients = [0, 1, 2].map(async (client) => {
    for (let n = 0; !over; n++) {
      const tag = `c${client}-${n}`;
      await one.push(wharf.url, "team/app", tag);
      pushed.push(tag);
    }
  });

  for (const others of [[comes], [], [comes]]) {
    await Bun.sleep(200);
    await configure(stays, ...others);
    await reloaded(wharf);
  }
  const atTheEnd = new Set(pushed);
  await Bun.sleep(200);
  over = true;
  await Promise.all(clients);

  await eventually(
    async () => [tags(stays).length, tags(comes).includes(pushed.at(-1) ?? "")],
    ([count, last]) => Number(count) >= pushed.length && last === true,
    20_000,
  );
  expect([...new Set(tags(stays))].toSorted()).toEqual(pushed.toSorted());
  // What began after the last reload; what was under way then may have begun before.
  const later = pushed.filter((tag) => !atTheEnd.has(tag)).slice(3);
  expect(later.length).toBeGreaterThan(0);
  expect(later.filter((tag) => !tags(comes).includes(tag))).toEqual([]);
  expect(wharf.logs()).not.toContain("could not be delivered");
});
