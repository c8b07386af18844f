import { type KeyObject, createPublicKey } from "node:crypto";
import { type JWTHeaderParameters, jwtVerify } from "jose";
import type { AuthSettings } from "../../config/schema-auth.ts";
import { RegistryError } from "../../oci/errors.ts";
import { isRecord, isStrings } from "../../oci/json.ts";
import type { Caller } from "../caller.ts";
import { grantsOf } from "../scope.ts";
import {
  type Claims,
  VerifiedTokens,
  checkTime,
  invalidToken,
  readClaims,
} from "../verified-token.ts";
import { WatchedFile, type WatchOptions } from "../watched-file.ts";
import { leafOfChain } from "./chain.ts";
import { type TrustedKeys, idsOf, readBundle, readJwks } from "./trusted-keys.ts";

export type TokenServerSettings = NonNullable<AuthSettings["token"]>;

/** Signatures with a key pair. With a shared secret (HS256) whoever checks tokens could make them. */
const ALGORITHMS: readonly string[] = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
];
const SHARED_SECRETS: readonly string[] = ["HS256", "HS384", "HS512"];

/** The clocks of two machines; what registry:2 and registry:3 allow. */
const LEEWAY_MS = 60_000;

interface Genuine {
  readonly claims: Claims;
  readonly caller: Caller;
}

/**
 * Knows the tokens of a token server elsewhere. What such a token says is what its bearer may do; there is
 * nobody here to ask whether he still may, so it should be short-lived.
 *
 * Keys come from the configured files only. A token may say which of them it was signed with (`kid`, or
 * `jwk` as the name of one), or show certificates (`x5c`) that one of the configured roots vouches for.
 *
 * @see distribution, "Token Authentication Implementation"
 */
export class TokenServer {
  readonly #verified = new VerifiedTokens<Genuine>();
  readonly #sources: readonly WatchedFile<TrustedKeys>[];
  readonly #algorithms: string[];
  #known: readonly TrustedKeys[];

  /** Throws CONFIG_INVALID when a file cannot be read or has no key in it. */
  constructor(
    readonly settings: TokenServerSettings,
    readonly now: () => number,
    watch: WatchOptions = {},
  ) {
    const { rootCertBundle, jwks } = settings;
    const open = (path: string, read: typeof readBundle): WatchedFile<TrustedKeys> =>
      new WatchedFile(path, (text) => read(path, text), watch);
    this.#sources = [
      ...(rootCertBundle === undefined ? [] : [open(rootCertBundle, readBundle)]),
      ...(jwks === undefined ? [] : [open(jwks, readJwks)]),
    ];
    this.#known = this.#sources.map((source) => source.get());
    this.#algorithms = algorithms(settings.signingAlgorithms);
  }

  /** Whoever shows a token of the server. Throws UNAUTHORIZED, or rejects with it. */
  identify(token: string): Caller | Promise<Caller> {
    const keys = this.#keys();
    const genuine = this.#verified.get(token, (text) => this.#check(text, keys));
    return genuine instanceof Promise
      ? genuine.then((one) => this.#timely(one))
      : this.#timely(genuine);
  }

  /** The keys as the files have them; when those have changed, nothing is genuine any more because it was. */
  #keys(): readonly TrustedKeys[] {
    const now = this.#sources.map((source) => source.get());
    if (now.some((keys, at) => keys !== this.#known[at])) {
      this.#known = now;
      this.#verified.forget();
    }
    return this.#known;
  }

  #timely({ claims, caller }: Genuine): Caller {
    checkTime(claims, this.now(), { early: LEEWAY_MS, late: LEEWAY_MS });
    return caller;
  }

  async #check(token: string, keys: readonly TrustedKeys[]): Promise<Genuine> {
    const { issuer, service } = this.settings;
    const now = this.now();
    let payload: Record<string, unknown>;
    try {
      ({ payload } = await jwtVerify(token, (header) => keyFor(header, keys, now), {
        algorithms: this.#algorithms,
        issuer,
        audience: service,
        currentDate: new Date(now),
        clockTolerance: LEEWAY_MS / 1000,
      }));
    } catch (error) {
      throw invalidToken("its signature, issuer, audience or time is not right", error);
    }
    const claims = readClaims(payload);
    return { claims, caller: bearer(claims) };
  }
}

/** The key that a token says it was signed with, out of those that are trusted. Throws when there is none. */
function keyFor(
  { x5c, jwk, kid }: JWTHeaderParameters,
  keys: readonly TrustedKeys[],
  now: number,
): KeyObject {
  const wellFormed = isStrings(x5c ?? []) && isRecord(jwk ?? {}) && typeof (kid ?? "") === "string";
  if (!wellFormed) throw invalidToken("its header names no key as it should");
  if (x5c && x5c.length > 0) return vouchedFor(x5c, keys, now);
  if (jwk) {
    const named = createPublicKey({ key: jwk, format: "jwk" });
    const chain = jwk["x5c"];
    // It only names a key. The one that is used is ours, or that of a certificate that is vouched for.
    const ours = isStrings(chain) ? vouchedFor(chain, keys, now) : named;
    const found = isStrings(chain) && ours.equals(named) ? ours : byId(idsOf(named), keys);
    if (found) return found;
  } else if (typeof kid === "string") {
    const found = byId([kid], keys);
    if (found) return found;
  }
  throw invalidToken("it was signed with a key that is not trusted");
}

function byId(ids: readonly string[], keys: readonly TrustedKeys[]): KeyObject | undefined {
  return keys.flatMap((some) => ids.map((id) => some.byId.get(id))).find((key) => key);
}

function vouchedFor(
  chain: readonly string[],
  keys: readonly TrustedKeys[],
  now: number,
): KeyObject {
  const roots = keys.flatMap((some) => some.roots);
  const leaf = leafOfChain(chain, roots, now);
  if (leaf) return leaf.publicKey;
  throw invalidToken("no configured root vouches for its certificates");
}

/**
 * Pushing takes the right to pull as well, as distribution asks for both; nothing in a token of somebody
 * else administers anything here.
 */
function bearer({ subject, access }: Claims): Caller {
  const { repositories, catalog } = grantsOf(access);
  return {
    name: subject || null,
    limited: true,
    may(action, repository) {
      const granted = repositories.get(repository);
      if (!granted || action === "administer") return false;
      return granted.has(action) && (action !== "push" || granted.has("pull"));
    },
    mayEverywhere: () => false,
    lists: catalog ? () => true : null,
  };
}

function algorithms(wanted: readonly string[] = ALGORITHMS): string[] {
  const strange = wanted.find((name) => ![...ALGORITHMS, ...SHARED_SECRETS].includes(name));
  const known = wanted.filter((name) => ALGORITHMS.includes(name));
  if (strange === undefined && known.length > 0) return known;
  const reason =
    strange === undefined
      ? "none of them signs with a key pair"
      : `${JSON.stringify(strange)} is unknown; there are ${ALGORITHMS.join(", ")}`;
  throw new RegistryError("CONFIG_INVALID", { reason: `auth.token.signingAlgorithms: ${reason}` });
}
