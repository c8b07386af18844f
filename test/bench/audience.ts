/** Somebody who listens to the events of a registry, and says nothing; as long as this process runs. */
let url: string | undefined;

export function audience(): string {
  if (url === undefined) {
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        await request.arrayBuffer();
        return new Response(null, { status: 202 });
      },
    });
    server.unref();
    url = `http://127.0.0.1:${server.port}/events`;
  }
  return url;
}
