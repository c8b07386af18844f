export interface Recorder extends AsyncDisposable {
  /** To be used in place of the server's. */
  readonly host: string;
  /** `METHOD path-and-query status`, in the order of the answers. */
  readonly requests: readonly string[];
}

/** Stands between a client and a server, and writes down what the client asked and got. */
export function recorderBefore(url: string): Recorder {
  const requests: string[] = [];
  const proxy = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const path = request.url.slice(new URL(request.url).origin.length);
      const body =
        request.method === "GET" || request.method === "HEAD" ? null : await request.bytes();
      // The Host header goes through as it came, so that locations lead back here.
      const answer = await fetch(url + path, {
        method: request.method,
        headers: request.headers,
        body,
        redirect: "manual",
        decompress: false,
      });
      requests.push(`${request.method} ${path} ${answer.status}`);
      return answer;
    },
  });
  return {
    host: `127.0.0.1:${proxy.port}`,
    requests,
    async [Symbol.asyncDispose]() {
      await proxy.stop(true);
    },
  };
}
