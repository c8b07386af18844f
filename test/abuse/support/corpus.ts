import { mediaTypes } from "../../support/oci.ts";
import { locationOf, withDigest } from "../../support/push.ts";
import {
  digest,
  emptyConfig,
  fresh,
  indexText,
  manifestText,
} from "../../protocol/support/content.ts";
import { ask, streamed } from "../../protocol/support/http.ts";
import { tapBefore } from "./tap.ts";

/** In place of the id of an upload, and as long: whoever sends the request puts one there that is open. */
export const UPLOAD_ID = "f".repeat(32);

export const NAME = "fuzz/app";

/** The requests of a push, a pull and a clean-up, byte for byte as a client sends them. */
export async function recordCorpus(port: number): Promise<Buffer[]> {
  await using tap = await tapBefore(port);
  const base = `${tap.url}/v2/${NAME}`;
  const layer = fresh(300);
  const ids: string[] = [];
  const open = async (query = ""): Promise<string> => {
    const location = locationOf(await ask("POST", `${base}/blobs/uploads/${query}`), tap.url);
    ids.push(location.split("/").at(-1) ?? "");
    return location;
  };
  const image = manifestText({ layers: [layer.descriptor], annotations: { a: "b" } });
  const entry = { mediaType: mediaTypes.image, digest: digest(image), size: image.length };
  const index = indexText([entry], { subject: entry });
  const put = async (reference: string, text: string, type: string): Promise<unknown> =>
    await ask("PUT", `${base}/manifests/${reference}`, {
      headers: { "content-type": type },
      body: text,
    });

  await ask("GET", `${tap.url}/v2/`);
  await ask("HEAD", `${base}/blobs/${layer.descriptor.digest}`);
  const chunked = await open();
  const part = (from: number, end: number) => ({
    headers: { "content-range": `${from}-${end - 1}` },
    body: layer.bytes.slice(from, end),
  });
  await ask("PATCH", chunked, part(0, 100));
  await ask("PATCH", chunked, { body: streamed(layer.bytes.slice(100, 200)) });
  await ask("GET", chunked);
  await ask("PUT", withDigest(chunked, layer.descriptor.digest), part(200, 300));
  await ask("DELETE", await open());
  const config = emptyConfig.descriptor.digest;
  await ask("POST", `${base}/blobs/uploads/?digest=${config}`, { body: emptyConfig.bytes });
  await ask("POST", `${tap.url}/v2/fuzz/other/blobs/uploads/?mount=${config}&from=${NAME}`);
  await put("v1", image, mediaTypes.image);
  await put("index", index, mediaTypes.index);
  await put(`${digest(image)}?tag=a&tag=b`, image, mediaTypes.image);
  for (const path of [
    "manifests/v1",
    `manifests/${digest(image)}`,
    `blobs/${config}`,
    "tags/list?n=1&last=a",
    `referrers/${digest(image)}?artifactType=x`,
  ]) {
    await ask("GET", `${base}/${path}`);
  }
  const headers = { range: "bytes=0-9", "if-range": `"${layer.descriptor.digest}"` };
  await ask("GET", `${base}/blobs/${layer.descriptor.digest}`, { headers });
  await ask("GET", `${tap.url}/v2/_catalog?n=2`);
  await ask("GET", `${tap.url}/api/v1/tags/${NAME}`);
  await ask("GET", `${tap.url}/api/v1/manifests/${NAME}/v1`);
  await ask("DELETE", `${base}/manifests/a`);
  await ask("DELETE", `${base}/blobs/${layer.descriptor.digest}`);

  return tap.recorded.map((bytes) => {
    const text = ids.reduce((held, id) => held.replaceAll(id, UPLOAD_ID), bytes.toString("latin1"));
    return Buffer.from(text, "latin1");
  });
}
