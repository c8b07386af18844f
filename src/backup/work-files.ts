import { createReadStream } from "node:fs";
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Digest } from "../oci/digest.ts";
import type { SetContent } from "./content.ts";
import { ListDigest, blobLine, repositoryLine } from "./list.ts";
import type { SetRepository } from "./set.ts";

/** Characters that are written at a time. */
const PIECE = 1_000_000;

/** What a backup writes down when it begins, so that it need not hold it. */
export interface WorkFiles extends AsyncDisposable {
  readonly list: { readonly path: string; readonly size: number; readonly digest: Digest };
  /** What the list says, with the times of tags, which are not on it. */
  repositories(): AsyncGenerator<SetRepository>;
}

export async function writeWorkFiles(content: SetContent): Promise<WorkFiles> {
  const { blobs } = content;
  const place = await mkdtemp(join(tmpdir(), "wharf-list-"));
  const dispose = (): Promise<void> => rm(place, { recursive: true, force: true });
  try {
    const digest = new ListDigest();
    const list = await Lines.open(join(place, "list"), (bytes) => digest.add(bytes));
    const links = await Lines.open(join(place, "links"), () => undefined);
    try {
      for (const repository of content.repositories()) {
        await list.add(repositoryLine(repository));
        await links.add(`${JSON.stringify(repository)}\n`);
      }
      for (const blob of [...blobs.keys()].toSorted()) {
        await list.add(blobLine(blob, blobs.get(blob) ?? 0));
      }
    } finally {
      await list.close();
      await links.close();
    }
    return {
      list: { path: list.path, size: list.size, digest: digest.end() },
      async *repositories() {
        const lines = createInterface({ input: createReadStream(links.path), crlfDelay: Infinity });
        for await (const line of lines) yield JSON.parse(line) as SetRepository;
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Gathers lines of a file. */
class Lines {
  size = 0;
  #gathered = "";

  private constructor(
    readonly path: string,
    readonly file: FileHandle,
    readonly hear: (bytes: Uint8Array) => void,
  ) {}

  static async open(path: string, hear: (bytes: Uint8Array) => void): Promise<Lines> {
    return new Lines(path, await open(path, "wx", 0o600), hear);
  }

  async add(line: string): Promise<void> {
    this.#gathered += line;
    if (this.#gathered.length > PIECE) await this.#flush();
  }

  async close(): Promise<void> {
    try {
      await this.#flush();
    } finally {
      await this.file.close();
    }
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.from(this.#gathered);
    this.#gathered = "";
    this.hear(bytes);
    this.size += bytes.length;
    await this.file.writeFile(bytes);
  }
}
