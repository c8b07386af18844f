import { isAlgorithm, isDigest } from "../oci/digest.ts";
import type { Storage } from "../storage/storage.ts";
import { BLOBS, blobPath } from "../storage/tree.ts";
import { foldersIn } from "./read-links.ts";
import { type Findings, Unreadable } from "./tree-problem.ts";

/**
 * Looks for what does not belong into the folders of the blobs, and reports it. They are listed only:
 * whether a blob is what it should be is asked where a repository names it.
 */
export async function walkBlobs(storage: Storage, findings: Findings): Promise<void> {
  const remark = (path: string, problem: string | Unreadable): void => {
    // It touches no repository: of those that link a blob here, each says itself what it lacks.
    findings.add("", path, String(problem));
  };
  const folders = async (path: string, each: (name: string) => Promise<void>): Promise<void> => {
    try {
      for await (const name of foldersIn(storage, path, remark)) await each(name);
    } catch (error) {
      remark(path, new Unreadable(error));
    }
  };
  await folders(BLOBS, async (algorithm) => {
    const path = `${BLOBS}/${algorithm}`;
    if (!isAlgorithm(algorithm)) {
      remark(path, "this digest algorithm is not known; what is in it is not read");
      return;
    }
    await folders(path, async (prefix) => {
      let strangers = 0;
      let first = "";
      await folders(`${path}/${prefix}`, async (hex) => {
        const digest = `${algorithm}:${hex}`;
        if (isDigest(digest) && blobPath(digest) === `${path}/${prefix}/${hex}/data`) return;
        if (strangers++ === 0) first = `${path}/${prefix}/${hex}`;
      });
      if (strangers === 0) return;
      const what = strangers === 1 ? "a folder that is" : `${strangers} folders that are`;
      remark(
        first,
        `${what} not of a blob; nothing reads or removes them, delete what nobody needs`,
      );
    });
  });
}
