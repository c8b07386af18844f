import { RegistryError } from "../oci/errors.ts";
import type { Connection } from "./connection.ts";
import { askApi, parseManifestPage, parseTagsPage } from "./describe-own.ts";
import { describePlain } from "./describe-plain.ts";
import type { Describer } from "./description.ts";
import { imageText } from "./image.ts";
import { PageGuard } from "./lists.ts";

/**
 * Describes with our own API where the registry has it: one request for a thousand tags. Any other
 * registry is read manifest by manifest; when a tag was pushed is not known then.
 */
export function openDescriber(connection: Connection): Describer {
  const { origin } = connection.address;
  const plain = describePlain(connection);
  /** False as soon as the registry has shown that it has no such API. */
  let ours = true;

  return {
    async *tags(name) {
      const guard = new PageGuard(origin);
      let last: string | null = null;
      do {
        const query: string = last === null ? "" : `&last=${encodeURIComponent(last)}`;
        const page =
          ours &&
          (await askApi(connection, name, `tags/${name}?n=1000${query}`, name, parseTagsPage));
        if (!page) {
          if (last !== null)
            throw new RegistryError("REMOTE", { reason: `${origin} sends half a list` });
          ours = false;
          return yield* plain.tags(name);
        }
        guard.turn(page.next, page.tags.length);
        yield* page.tags;
        last = page.next;
      } while (last !== null);
    },

    async manifest(name, reference) {
      const found =
        ours &&
        (await askApi(
          connection,
          name,
          `manifests/${name}/${reference}`,
          imageText(name, reference),
          parseManifestPage,
        ));
      if (found) return found;
      ours = false;
      return await plain.manifest(name, reference);
    },
  };
}
