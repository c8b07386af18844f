import { SignJWT, jwtVerify } from "jose";
import type { AuthSettings } from "../config/schema-auth.ts";
import { RegistryError } from "../oci/errors.ts";
import type { Caller, Credential } from "./caller.ts";
import { limited } from "./limited.ts";
import type { Principals } from "./principals.ts";
import { type Grants, cutDown, entriesOf, grantsOf, isEmpty, scopeText } from "./scope.ts";
import type { Issued, TokenIssuing } from "./token-issuing.ts";
import { ALGORITHM, type TokenKey } from "./token-key.ts";
import {
  type Claims,
  VerifiedTokens,
  checkTime,
  invalidToken,
  readClaims,
} from "./verified-token.ts";

export type IssuerSettings = NonNullable<AuthSettings["issuer"]>;

const ISSUER = "wharfinger";
const ACCESS = "JWT";
/** A refresh token is no access token, and the other way round: the signed type tells them apart. */
const REFRESH = "wharf-refresh+jwt";

/** Clocks are set back by some seconds now and then; a token that was just issued is good all the same. */
const SET_BACK_MS = 10_000;

/** Clients send a token in a header, and headers have limits; some servers in between allow 8 KiB. */
const LONGEST = 7 * 1024;

interface Genuine {
  readonly claims: Claims;
  readonly grants: Grants;
  readonly credential: Credential;
}

/**
 * Issues tokens to whoever has shown who he is, and knows them again. A token says what it was asked for
 * and rests on what was shown then: each time it is used, it allows what it says of what that allows at
 * that moment. So a token lasts no longer than the password, the access token or the right behind it.
 *
 * @see distribution, "Token Authentication Specification" and "Oauth2 Token Authentication"
 */
export class Issuer implements TokenIssuing {
  readonly #verified = new VerifiedTokens<Genuine>();
  #key: Promise<TokenKey> | null = null;

  constructor(
    readonly settings: IssuerSettings,
    readonly readKey: () => Promise<TokenKey>,
    readonly principals: Principals,
    readonly now: () => number,
  ) {}

  async open(): Promise<void> {
    await this.#opened();
  }

  /** A failure is not remembered: what was in the way may be gone the next time. */
  #opened(): Promise<TokenKey> {
    this.#key ??= this.readKey().catch((error: unknown) => {
      this.#key = null;
      throw error;
    });
    return this.#key;
  }

  get service(): string {
    return this.settings.service;
  }

  login(
    name: string,
    password: Uint8Array<ArrayBuffer>,
    address: string,
  ): Caller | Promise<Caller> {
    return this.principals.login(name, password, address);
  }

  async issue(by: Caller, asked: Grants, offline: boolean): Promise<Issued> {
    const { caller, credential } = this.principals.rooted(by);
    const grants = cutDown(asked, caller);
    if (credential.kind === "nobody" && isEmpty(grants)) throw new RegistryError("UNAUTHORIZED");

    const issuedAt = Math.floor(this.now() / 1000) * 1000;
    const expiresIn = Math.ceil(this.settings.expires / 1000);
    const rest = { ...claimsOf(credential), access: entriesOf(grants) };
    const token = await this.#sign(ACCESS, caller, rest, issuedAt, issuedAt + expiresIn * 1000);
    if (token.length > LONGEST) {
      throw new RegistryError("PARAMETER_INVALID", {
        reason: "scope: more repositories than one token can name",
        parameter: "scope",
      });
    }
    const lasting = offline && credential.kind !== "nobody";
    const refreshToken = lasting
      ? await this.#sign(REFRESH, caller, claimsOf(credential), issuedAt, null)
      : null;
    return { token, expiresIn, issuedAt, scope: scopeText(grants), refreshToken };
  }

  /** Whoever shows a token of ours. Throws UNAUTHORIZED, or rejects with it. */
  identify(token: string): Caller | Promise<Caller> {
    const genuine = this.#verified.get(token, (text) => this.#check(text, ACCESS));
    return genuine instanceof Promise
      ? genuine.then((one) => this.#callerOf(one))
      : this.#callerOf(genuine);
  }

  async refresh(token: string): Promise<Caller> {
    const { credential } = await this.#check(token, REFRESH);
    return this.#owner(credential);
  }

  #callerOf({ claims, grants, credential }: Genuine): Caller {
    checkTime(claims, this.now(), { early: SET_BACK_MS, late: 0 });
    return limited(grants, this.#owner(credential));
  }

  #owner(credential: Credential): Caller {
    const owner = this.principals.find(credential);
    if (!owner) throw invalidToken("what it rests on is gone");
    return owner;
  }

  async #check(token: string, type: typeof ACCESS | typeof REFRESH): Promise<Genuine> {
    const { service } = this.settings;
    const { publicKey } = await this.#opened();
    let payload: Record<string, unknown>;
    try {
      ({ payload } = await jwtVerify(token, publicKey, {
        algorithms: [ALGORITHM],
        typ: type,
        issuer: ISSUER,
        audience: service,
        // Times are checked at every use, not only at the first.
        currentDate: new Date(this.now()),
        clockTolerance: SET_BACK_MS / 1000,
      }));
    } catch (error) {
      throw invalidToken("it was not issued here, or has expired", error);
    }
    const claims = readClaims(payload);
    return { claims, grants: grantsOf(claims.access), credential: credentialOf(claims) };
  }

  async #sign(
    type: string,
    { name }: Caller,
    claims: Record<string, unknown>,
    issued: number,
    expires: number | null,
  ): Promise<string> {
    const { id, privateKey } = await this.#opened();
    const seconds = issued / 1000;
    const jwt = new SignJWT(claims)
      .setProtectedHeader({ typ: type, alg: ALGORITHM, kid: id })
      .setIssuer(ISSUER)
      .setSubject(name ?? "")
      .setAudience(this.settings.service)
      .setIssuedAt(seconds)
      .setNotBefore(seconds)
      .setJti(crypto.randomUUID());
    if (expires !== null) jwt.setExpirationTime(expires / 1000);
    return await jwt.sign(privateKey);
  }
}

/** How a token names what it rests on; nobody's has neither. */
function claimsOf(credential: Credential): Record<string, unknown> {
  if (credential.kind === "token") return { accessToken: credential.id };
  return credential.kind === "password" ? { password: credential.version } : {};
}

function credentialOf({ subject, payload }: Claims): Credential {
  const { accessToken: id, password: version } = payload;
  if (typeof id === "string") return { kind: "token", id };
  if (typeof version === "string") return { kind: "password", user: subject, version };
  if (subject === "") return { kind: "nobody" };
  throw invalidToken("it rests on nothing");
}
