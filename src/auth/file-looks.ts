import { statSync } from "node:fs";

/** What is known of a file without reading it: another file, or another content, has another mark. */
export interface Looks {
  readonly mark: string;
  /** False: it was changed a moment ago, and may be changed once more without looking different. */
  readonly settled: boolean;
  /** Bytes; null: there is no file. */
  readonly size: number | null;
}

/**
 * Looks at what a path leads to now, so that a rename over it, a rewrite in place, a symbolic link that
 * leads elsewhere, a removal and a return all show. Some microseconds. Two changes that are closer
 * together than `coarse` milliseconds may bear the same time. Throws when it may not look.
 */
export function lookAt(path: string, coarse: number): Looks {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (!found) return { mark: "absent", settled: true, size: null };
  const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = found;
  const age = Date.now() - Number(ctimeMs);
  return {
    mark: [dev, ino, size, mtimeNs, ctimeNs].join(" "),
    settled: Math.abs(age) > coarse,
    size: Number(size),
  };
}
