import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { randomBytes } from "./oci.ts";

const containerfile = `
FROM scratch
ARG TARGETARCH
COPY base /
COPY \${TARGETARCH} /
ENV VERSION=1
LABEL org.opencontainers.image.title="made by the tests"
`;

/** What an image for two platforms is built from: a base that both share, and files of each one's own. */
export async function buildContext(path: string): Promise<void> {
  const files = {
    "base/bin/tool": randomBytes(1_000_000),
    "base/etc/hostname": "shared\n",
    "amd64/etc/platform": "amd64\n",
    "arm64/etc/platform": "arm64\n",
    Containerfile: containerfile,
  };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(path, name, ".."), { recursive: true });
    await writeFile(join(path, name), content);
  }
}
