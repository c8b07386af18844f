import { type FFIFunction, dlopen } from "bun:ffi";

/** A call of the C library that takes and returns numbers. */
export type LibraryCall = (...parameters: (number | bigint)[]) => number;

/** The call of this name in the C library of this system, or null: not Linux, or another library. */
export function libraryCall(name: string, signature: FFIFunction): LibraryCall | null {
  if (process.platform !== "linux") return null;
  const musl = process.arch === "arm64" ? "aarch64" : "x86_64";
  for (const library of ["libc.so.6", `libc.musl-${musl}.so.1`]) {
    try {
      return dlopen(library, { [name]: signature }).symbols[name] as unknown as LibraryCall;
    } catch {
      // Not this C library: the next, and in the end none.
    }
  }
  return null;
}
