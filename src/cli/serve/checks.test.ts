import { describe, expect, test } from "bun:test";
import { Health } from "../../observe/health.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { Metadata } from "../../metadata/metadata.ts";
import type { Registry } from "../../registry/registry.ts";
import { memoryStorage } from "../../storage/memory.ts";
import type { Storage } from "../../storage/storage.ts";
import { PROBE } from "../../storage/tree.ts";
import { healthChecks } from "./checks.ts";

/** What is asked of a registry here: its storage, and settings in a map. */
function registryOn(storage: Storage, metadata: Partial<Metadata> = {}) {
  const settings = new Map<string, string>();
  const kept: Partial<Metadata> = {
    async setSetting(key, value) {
      settings.set(key, value);
    },
    async getSetting(key) {
      return settings.get(key) ?? null;
    },
    ...metadata,
  };
  const registry = { storage, metadata: kept, now: () => 0 } as unknown as Registry;
  return { registry, settings };
}

async function found(registry: Registry, readOnly = false) {
  const health = new Health({ interval: 0 });
  health.start(
    healthChecks(
      () => registry,
      () => readOnly,
    ),
  );
  const look = async () => {
    const { status, findings } = await health.ready();
    return [status, ...findings.map(({ reason }) => reason)];
  };
  return { look };
}

const fault = (code: string) => Object.assign(new Error("of the disk"), { code });

describe("the checks of a registry", () => {
  test("write, and leave nothing behind", async () => {
    const storage = memoryStorage();
    const { registry, settings } = registryOn(storage);
    const { look } = await found(registry);

    expect(await look()).toEqual(["ok", null, null]);
    expect(settings.size).toBe(1);
    expect(await storage.stat(PROBE)).toBeNull();
  });

  test("write nothing in read-only mode", async () => {
    const storage: Storage = {
      ...memoryStorage(),
      append: () => Promise.reject(fault("EROFS")),
      delete: () => Promise.reject(fault("EROFS")),
    };
    const setSetting = (): Promise<void> => Promise.reject(fault("EROFS"));
    const { registry } = registryOn(storage, { setSetting });

    expect(await (await found(registry, true)).look()).toEqual(["ok", null, null]);
    expect(await (await found(registry)).look()).toEqual(["unavailable", "EROFS", "EROFS"]);
  });

  test("notice when other bytes come back than were written", async () => {
    const storage: Storage = { ...memoryStorage(), readSmall: async () => new Uint8Array(64) };

    const { look } = await found(registryOn(storage).registry);

    expect(await look()).toEqual(["unavailable", "failed", null]);
  });

  test("take a full disk for an impairment, and are well when there is room again", async () => {
    let full = true;
    const inner = memoryStorage();
    const storage: Storage = {
      ...inner,
      append: async (path, offset) => {
        if (full) throw fault("ENOSPC");
        return await inner.append(path, offset);
      },
    };
    const { look } = await found(registryOn(storage).registry);

    expect(await look()).toEqual(["degraded", "ENOSPC", null]);
    full = false;
    expect(await look()).toEqual(["ok", null, null]);
  });

  test("never believe a disk again whose sync failed", async () => {
    let failing = true;
    const cause = fault("EIO");
    const setSetting = async (): Promise<void> => {
      if (failing) throw new RegistryError("WRITES_STOPPED", {}, { cause });
    };
    const { look } = await found(registryOn(memoryStorage(), { setSetting }).registry);

    expect(await look()).toEqual(["unavailable", null, "EIO, until a restart"]);
    failing = false;
    expect(await look()).toEqual(["unavailable", null, "EIO, until a restart"]);
  });
});
