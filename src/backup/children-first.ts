import type { StoredManifest } from "../metadata/stored-manifest.ts";
import type { Digest } from "../oci/digest.ts";

/** The order in which a registry takes manifests: an index after all that it names. Pure. */
export function childrenFirst(
  manifests: ReadonlyMap<Digest, StoredManifest>,
): [Digest, StoredManifest][] {
  const ordered: [Digest, StoredManifest][] = [];
  const met = new Set<Digest>();
  for (const root of manifests.keys()) {
    // No recursion: how deep indexes stand in each other is up to whoever made them.
    const waiting: { readonly digest: Digest; readonly below: boolean }[] = [
      { digest: root, below: false },
    ];
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const { digest, below } = next;
      const manifest = manifests.get(digest);
      if (!manifest || (met.has(digest) && !below)) continue;
      if (below) {
        ordered.push([digest, manifest]);
        continue;
      }
      met.add(digest);
      waiting.push({ digest, below: true });
      for (const { role, digest: child } of manifest.references) {
        if (role === "child") waiting.push({ digest: child, below: false });
      }
    }
  }
  return ordered;
}
