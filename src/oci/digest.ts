import { RegistryError } from "./errors.ts";

/** The hash algorithms that content can be addressed by (OCI image spec, "Registered Algorithms"). */
export type DigestAlgorithm = "sha256" | "sha512";

/** A checked digest: `sha256:` with 64 or `sha512:` with 128 lower-case hex digits. */
export type Digest = `${DigestAlgorithm}:${string}` & { readonly digest: unique symbol };

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
const LONGEST = "sha512:".length + 128;

export function isDigest(text: string): text is Digest {
  return text.length <= LONGEST && DIGEST.test(text);
}

/** Throws DIGEST_INVALID when the text is not a digest, or is one of an algorithm we do not know. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new RegistryError("DIGEST_INVALID", {
    reason: `${JSON.stringify(text.slice(0, 150))} is not a digest`,
  });
}

export function isAlgorithm(text: string): text is DigestAlgorithm {
  return text === "sha256" || text === "sha512";
}

export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith("sha256:") ? "sha256" : "sha512";
}

/** The hex part, without the algorithm. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** A hash that is fed piece by piece; `copy` lets a caller go back to an earlier state. */
export class Hasher {
  readonly #hash: Bun.CryptoHasher;

  constructor(
    readonly algorithm: DigestAlgorithm,
    hash?: Bun.CryptoHasher,
  ) {
    this.#hash = hash ?? new Bun.CryptoHasher(algorithm);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  copy(): Hasher {
    return new Hasher(this.algorithm, this.#hash.copy());
  }

  /** The digest of all bytes so far. The hasher goes on: more bytes may follow. */
  digest(): Digest {
    return `${this.algorithm}:${this.#hash.copy().digest("hex")}` as Digest;
  }
}

export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  return `${algorithm}:${Bun.CryptoHasher.hash(algorithm, bytes, "hex")}` as Digest;
}
