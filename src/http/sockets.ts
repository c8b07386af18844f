import { FFIType, dlopen } from "bun:ffi";
import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";

/** What the system knows of one connection of ours. Counts are bytes since it was opened. */
export interface Sighting {
  readonly fd: number;
  /** The client's port. */
  readonly port: number;
  readonly received: number;
  /** Sent, and confirmed by the client's system. */
  readonly delivered: number;
  /** Of an answer, not sent yet: the client does not take it. */
  readonly waiting: number;
}

/** The connections to one port of this process. */
export interface Sockets {
  /** How many descriptors this process may have, files and connections together. */
  readonly mostDescriptors: number;
  /** Descriptors that may be connections; also when there is none left to look with. */
  descriptors(): Promise<number[]>;
  /** Null when it is none, or not one to our port. */
  look(fd: number): Sighting | null;
  /** Ends a connection that `look` saw in the same turn of the event loop. */
  end(fd: number): void;
}

const CALLS = {
  getsockname: { args: [FFIType.i32, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
  getpeername: { args: [FFIType.i32, FFIType.ptr, FFIType.ptr], returns: FFIType.i32 },
  getsockopt: {
    args: [FFIType.i32, FFIType.i32, FFIType.i32, FFIType.ptr, FFIType.ptr],
    returns: FFIType.i32,
  },
  shutdown: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
} as const;

/** Room for a sockaddr_in6; the port stands at the same place in every kind that we listen on. */
const ADDRESS_BYTES = 28;
/** linux/tcp.h, `struct tcp_info`: only ever extended at its end. These fields are there since Linux 4.6. */
const INFO = { bytes: 148, acked: 120, received: 128, notSent: 144 };
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const SHUT_RDWR = 2;

/**
 * Asks Linux about the sockets of this process: the server that Bun has knows of requests, not of
 * connections on which none has arrived yet. Null where that is not possible.
 *
 * Safe because the event loop's thread is the only one that closes these sockets: between `look` and
 * `end` in one turn, a descriptor cannot have become another. `shutdown` closes no descriptor; the
 * server sees the end of the connection, as if the client had hung up, and tidies up itself.
 */
export function openSockets(localPort: number): Sockets | null {
  const calls = loadCalls();
  if (!calls) return null;
  const address = new Uint8Array(ADDRESS_BYTES);
  const info = new Uint8Array(INFO.bytes);
  const fields = new DataView(info.buffer);
  const length = new Uint32Array(1);

  const portOf = (call: "getsockname" | "getpeername", fd: number): number | null => {
    length[0] = ADDRESS_BYTES;
    if (calls[call](fd, address, length) !== 0) return null;
    return ((address[2] ?? 0) << 8) | (address[3] ?? 0);
  };

  const mostDescriptors = descriptorLimit();
  return {
    mostDescriptors,
    async descriptors() {
      try {
        return (await readdir("/proc/self/fd")).map(Number);
      } catch (error) {
        if ((error as { code?: string }).code !== "EMFILE") throw error;
        // All are taken, so each number is one.
        return Array.from({ length: mostDescriptors }, (_, fd) => fd);
      }
    },
    look(fd) {
      if (portOf("getsockname", fd) !== localPort) return null;
      const port = portOf("getpeername", fd);
      if (port === null) return null;
      length[0] = INFO.bytes;
      if (calls.getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, length) !== 0) return null;
      if ((length[0] ?? 0) < INFO.bytes) return null;
      return {
        fd,
        port,
        received: Number(fields.getBigUint64(INFO.received, true)),
        delivered: Number(fields.getBigUint64(INFO.acked, true)),
        waiting: fields.getUint32(INFO.notSent, true),
      };
    },
    end(fd) {
      calls.shutdown(fd, SHUT_RDWR);
    },
  };
}

function descriptorLimit(): number {
  const text = readFileSync("/proc/self/limits", "utf8");
  const soft = Number(/^Max open files\s+(\d+)/m.exec(text)?.[1]);
  return Number.isNaN(soft) ? Number.POSITIVE_INFINITY : soft;
}

function loadCalls() {
  if (process.platform !== "linux") return null;
  const architecture = process.arch === "arm64" ? "aarch64" : "x86_64";
  for (const library of ["libc.so.6", `libc.musl-${architecture}.so.1`]) {
    try {
      return dlopen(library, CALLS).symbols;
    } catch {
      // The other kind of libc, or neither.
    }
  }
  return null;
}
