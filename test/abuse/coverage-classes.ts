import { at, chunks, refusals } from "./support/titles.ts";

const RACES = "protocol/manifest-races";

/** Mistakes of other registries, each with the tests that would find it here. */
export const CLASSES: Readonly<Record<string, readonly string[]>> = {
  "distribution CVE-2017-11468: a manifest was read without a limit": at(
    "abuse/memory",
    "with its length",
    "in chunks",
  ),
  "distribution CVE-2023-2253: ?n= allocated n entries": at(
    "protocol/discovery",
    "clamps the size of a page",
  ),
  "CVE-2021-41190: bytes that are an image and an index": refusals(
    "it has layers and manifests",
    "it is an index with layers",
  ),
  "distribution CVE-2026-35172: a deleted blob came back through another repository": at(
    "protocol/pull",
    "whoever has asked for it before",
  ),
  "distribution CVE-2026-41888: DELETE by tag went past the switch": at(
    "protocol/management",
    "every form of it is a 405, and nothing goes",
  ),
  "zot CVE-2024-39897: one repository's blob served in another": at(
    "protocol/pull",
    "of another repository is not there, whoever has asked for it before",
  ),
  "zot 4318: shared children of indexes walked exponentially often": [
    ...at(RACES, "a diamond of indexes, 40 levels deep"),
    "src/gc/check.test.ts: a diamond of indexes is walked once for each image",
  ],
  "Gitea CVE-2026-103667: a blob served as a web page": at(
    "protocol/pull",
    "nothing that a browser would run",
  ),
  "Quay CVE-2026-32589: another repository's upload": chunks(
    "of another repository is unknown to every method, and unharmed",
  ),
  "claircore CVE-2026-10517: urls of a manifest were fetched": at(
    "protocol/manifests",
    "nothing is ever fetched from them",
  ),
  "Harbor CVE-2024-22261: text of the user in a statement": at(
    "protocol/discovery",
    "%27%20OR%201=1--",
  ),
  "oc-mirror CVE-2026-96577: open to the network by default": [
    "src/config/load.test.ts: must say that nobody needs a password",
  ],
  "ORAS CVE-2026-55588: cyclic referrers": at(
    "protocol/referrers",
    "may be a referrer itself, and the subject of others",
  ),
};
