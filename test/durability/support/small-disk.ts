import { statfsSync } from "node:fs";
import { open } from "node:fs/promises";
import { type Folder, temporaryFolder } from "../../support/folder.ts";
import { isRoot } from "../../support/peers.ts";

/** A file system of its own, small enough to be filled. It is gone when the scope that holds it ends. */
export async function smallDisk(options: string): Promise<Folder | null> {
  const folder = await temporaryFolder();
  const mount = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder.path]);
  const unmount = async (): Promise<void> => {
    if (mount.success) Bun.spawnSync(["umount", "--lazy", folder.path]);
    await folder[Symbol.asyncDispose]();
  };
  if (mount.success) return { ...folder, [Symbol.asyncDispose]: unmount };
  await unmount();
  return null;
}

/** Why no disk can be mounted here, or null. */
export async function whyNoDisk(): Promise<string | null> {
  if (!isRoot()) return "only root may mount a small disk";
  if (Bun.which("mount") === null) return "there is no mount";
  await using disk = await smallDisk("size=1m");
  return disk ? null : "mounting is not allowed here";
}

/** Takes all room but so many bytes. Another program does this, so it asks nobody. */
export async function fill(disk: Folder, name: string, leave = 0): Promise<void> {
  const file = await open(disk.at(name), "a");
  try {
    const piece = new Uint8Array(64 * 1024).fill(1);
    for (;;) {
      const { bavail, bsize } = statfsSync(disk.path);
      const room = bavail * bsize - leave;
      if (room <= 0) return;
      await file.write(piece.subarray(0, Math.min(piece.length, room)));
    }
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOSPC") throw error;
  } finally {
    await file.close();
  }
}
