/** What was asked, beside method and URL. */
export interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer> | string | ReadableStream<Uint8Array>;
}

export interface OciError {
  readonly code: string;
  readonly message?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** An entry of a list of referrers. */
export interface Referrer {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What the documents that list something have in them, each some of it. */
export interface Listing {
  readonly name?: string;
  readonly tags?: readonly string[];
  readonly repositories?: readonly string[];
  readonly manifests?: readonly Referrer[];
}

/** One answer, with its body read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly text: string;
  /** The errors of an OCI error body; none when the body is something else. */
  readonly errors: readonly OciError[];
  json(): Listing;
}

export function answer(status: number, headers: Headers, bytes: Uint8Array<ArrayBuffer>): Answer {
  const text = (): string => new TextDecoder().decode(bytes);
  return {
    status,
    headers,
    bytes,
    get text() {
      return text();
    },
    get errors() {
      try {
        return (JSON.parse(text()) as { errors?: OciError[] } | null)?.errors ?? [];
      } catch {
        return [];
      }
    },
    json: () => JSON.parse(text()) as Listing,
  };
}

/** One request with `fetch`, which follows no redirects and keeps no connection for the next one. */
export async function ask(
  method: string,
  url: string,
  { headers, body }: Asked = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    ...(headers && { headers }),
    ...(body !== undefined && { body }),
    redirect: "manual",
    keepalive: false,
    decompress: false,
  });
  return answer(response.status, response.headers, new Uint8Array(await response.arrayBuffer()));
}

/** A body of unknown length: sent with chunked transfer encoding, one chunk a piece. */
export function streamed(...pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async start(controller) {
      for (const piece of pieces) {
        controller.enqueue(piece);
        await Bun.sleep(1);
      }
      controller.close();
    },
  });
}
