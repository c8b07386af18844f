import { libraryCall } from "./libc.ts";

const call = libraryCall("syncfs", { args: ["i32"], returns: "i32" });

/**
 * Writes out the whole file system that a descriptor is on, and since Linux 5.8 tells of failed writes.
 * Throws EIO when it fails (the call's own errno is lost on the way). False where it is not to be had.
 */
export function syncfs(descriptor: number): boolean {
  if (!call) return false;
  if (call(descriptor) === 0) return true;
  throw Object.assign(new Error("syncfs failed"), { code: "EIO", syscall: "syncfs" });
}
