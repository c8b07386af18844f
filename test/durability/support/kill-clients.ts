import { type Fixture, image } from "../../support/image.ts";
import { type Blob, digestOf } from "../../support/oci.ts";
import { locationOf, withDigest } from "../../support/push.ts";
import type { Random } from "../../support/random.ts";
import { type Effects, type Shown, apply, lines, same } from "./world.ts";

/**
 * A client with a repository of its own, which knows what was acknowledged to it, and what it last asked
 * for without an answer.
 */
export class KillClient {
  acknowledged: Shown = new Map();
  /** Asked, and the connection broke: may have happened, or not. */
  unknown: Effects | null = null;
  /** Requests that were answered. */
  answered = 0;
  readonly #images: Fixture[] = [];

  constructor(
    readonly repository: string,
    readonly random: Random,
  ) {}

  /** Changes things, one request after another, until the server is gone. */
  async run(url: string): Promise<void> {
    try {
      for (;;) await this.#act(url);
    } catch (error) {
      if (!(error instanceof ServerGone)) throw error;
    }
  }

  /** What the server shows that is neither what was acknowledged nor what else may be. Goes on from there. */
  async audit(url: string): Promise<string[]> {
    const shown = await this.#show(url);
    const allowed = [this.acknowledged];
    if (this.unknown) allowed.push(apply(this.acknowledged, this.unknown));
    const problems = [...shown].flatMap(([key, value]) =>
      value.startsWith("!") ? [`${key} is ${value}`] : [],
    );
    const fits = allowed.find((one) => same(one, shown));
    if (!fits) {
      problems.push(
        `${this.repository} shows\n${lines(shown)}\nacknowledged\n${lines(this.acknowledged)}\n` +
          `asked without an answer ${JSON.stringify(this.unknown)}`,
      );
    }
    this.acknowledged = shown;
    this.unknown = null;
    return problems;
  }

  async #act(url: string): Promise<void> {
    const { random } = this;
    const tagged = this.#keys("tag");
    const dice = random.below(10);
    if (dice < 4 || this.#images.length === 0) return await this.#push(url);
    if (dice < 6) return await this.#put(url, random.pick(this.#images), `t${random.below(4)}`);
    if (dice < 8 && tagged.length > 0) return await this.#untag(url, random.pick(tagged));
    if (dice < 9) return await this.#remove(url, random.pick(this.#images));
    return await this.#blob(url, image({ size: 40_000 }).blobs[1], random.between(1, 3));
  }

  async #push(url: string): Promise<void> {
    const one = image({ layers: 2, size: this.random.pick([1000, 20_000, 100_000]) });
    for (const part of one.blobs) await this.#blob(url, part, this.random.between(1, 3));
    await this.#put(url, one, `t${this.random.below(4)}`);
    this.#images.push(one);
  }

  /** In so many chunks; one: all bytes come with the closing PUT. */
  async #blob(url: string, part: Blob | undefined, chunks: number): Promise<void> {
    if (!part) return;
    const { bytes, descriptor } = part;
    const base = `${url}/v2/${this.repository}/blobs/uploads/`;
    let session = locationOf(await this.#ask(base, { method: "POST" }, [], 202), url);
    const size = Math.ceil(bytes.length / chunks);
    let at = 0;
    for (; at + size < bytes.length; at += size) {
      const sent = { method: "PATCH", body: bytes.slice(at, at + size) };
      session = locationOf(await this.#ask(session, sent, [], 202), url);
    }
    const effects: Effects = [[`blob ${descriptor.digest}`, ""]];
    const last = { method: "PUT", body: bytes.slice(at) };
    await this.#ask(withDigest(session, descriptor.digest), last, effects, 201);
  }

  async #put(url: string, one: Fixture, tag: string): Promise<void> {
    const headers = { "content-type": one.mediaType };
    const effects: Effects = [
      [`manifest ${one.digest}`, ""],
      [`tag ${tag}`, one.digest],
    ];
    const address = `${url}/v2/${this.repository}/manifests/${tag}`;
    await this.#ask(address, { method: "PUT", headers, body: one.bytes }, effects, 201);
  }

  async #untag(url: string, tag: string): Promise<void> {
    const address = `${url}/v2/${this.repository}/manifests/${tag}`;
    await this.#ask(address, { method: "DELETE" }, [[`tag ${tag}`, null]], 202);
  }

  async #remove(url: string, one: Fixture): Promise<void> {
    if (!this.acknowledged.has(`manifest ${one.digest}`)) return;
    const tags = this.#keys("tag").filter(
      (tag) => this.acknowledged.get(`tag ${tag}`) === one.digest,
    );
    const effects: Effects = [
      [`manifest ${one.digest}`, null],
      ...tags.map((tag) => [`tag ${tag}`, null] as const),
    ];
    const address = `${url}/v2/${this.repository}/manifests/${one.digest}`;
    await this.#ask(address, { method: "DELETE" }, effects, 202);
  }

  #keys(kind: string): string[] {
    const keys = [...this.acknowledged.keys()].filter((key) => key.startsWith(`${kind} `));
    return keys.map((key) => key.slice(kind.length + 1));
  }

  async #ask(url: string, init: RequestInit, effects: Effects, status: number): Promise<Response> {
    this.unknown = effects;
    const response = await fetch(url, init).catch(() => null);
    if (!response) throw new ServerGone();
    if (response.status !== status) {
      throw new Error(`${init.method} ${url}: ${response.status} ${await response.text()}`);
    }
    // The head of the answer is the acknowledgement, whatever becomes of the rest.
    this.acknowledged = apply(this.acknowledged, effects);
    this.unknown = null;
    this.answered++;
    await response.arrayBuffer().catch(() => null);
    return response;
  }

  /** Every tag, manifest and blob that was ever spoken of, with the digest of its bytes; `!` marks what is broken. */
  async #show(url: string): Promise<Shown> {
    const shown = new Map<string, string>();
    const base = `${url}/v2/${this.repository}`;
    const list = await fetch(`${base}/tags/list`);
    const { tags } = (await list.json()) as { tags?: string[] | null };
    for (const tag of tags ?? [])
      shown.set(`tag ${tag}`, await digestAt(`${base}/manifests/${tag}`));
    const known = new Set([
      ...this.acknowledged.keys(),
      ...(this.unknown ?? []).map(([key]) => key),
    ]);
    for (const key of known) {
      const [kind, digest] = key.split(" ");
      if (kind === "tag") continue;
      const found = await digestAt(`${base}/${kind === "blob" ? "blobs" : "manifests"}/${digest}`);
      if (found !== "absent") shown.set(key, found === digest ? "" : `!${found}`);
    }
    return shown;
  }
}

class ServerGone extends Error {}

async function digestAt(url: string): Promise<string> {
  const response = await fetch(url);
  const bytes = await response.bytes();
  if (response.status === 404) return "absent";
  return response.status === 200 ? digestOf(bytes) : `!${response.status}`;
}
