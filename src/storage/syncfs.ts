import { dlopen } from "bun:ffi";

/**
 * Writes out the whole file system that a descriptor is on, and since Linux 5.8 tells of failed writes.
 * Throws EIO when it fails (the call's own errno is lost on the way). False where it is not to be had.
 */
export function syncfs(descriptor: number): boolean {
  if (!call) return false;
  if (call(descriptor) === 0) return true;
  throw Object.assign(new Error("syncfs failed"), { code: "EIO", syscall: "syncfs" });
}

const call = load();

function load(): ((descriptor: number) => number) | null {
  if (process.platform !== "linux") return null;
  for (const library of ["libc.so.6", `libc.musl-${muslArchitecture()}.so.1`]) {
    try {
      const { symbols } = dlopen(library, { syncfs: { args: ["i32"], returns: "i32" } });
      return symbols.syncfs;
    } catch {
      // Not this C library: the next, and in the end the slow way.
    }
  }
  return null;
}

function muslArchitecture(): string {
  return process.arch === "arm64" ? "aarch64" : "x86_64";
}
