import type { Handler } from "./exchange.ts";
import { COMMON } from "./reply.ts";

/** Says what this is, and nothing that a stranger should not know: no names, no version, no counts. */
const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Container registry</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; color-scheme: light dark }
code { font: .9em ui-monospace, monospace }
</style>
</head>
<body>
<h1>This is a container registry</h1>
<p>It speaks the <a href="https://github.com/opencontainers/distribution-spec">OCI distribution protocol</a>
under <code>/v2/</code>. Use it with docker, podman, skopeo, oras and their kin:</p>
<pre><code>docker pull THIS-HOST/REPOSITORY:TAG</code></pre>
<p>Served by Wharfinger.</p>
</body>
</html>
`;

const HEADERS = {
  ...COMMON,
  "content-type": "text/html; charset=utf-8",
  "content-length": String(Buffer.byteLength(PAGE)),
  "cache-control": "no-cache",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'",
} as const;

/** 200 without authentication: load balancers and charts ask this path whether a registry is there. */
export const getPage: Handler = async ({ request }) =>
  new Response(request.method === "HEAD" ? null : PAGE, { headers: HEADERS });
