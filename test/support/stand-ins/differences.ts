/** One way in which a registry differs from the OCI distribution specification 1.1 as our own keeps it. */
export interface Difference {
  /** One sentence; the registry is its subject. */
  readonly says: string;
  /** Where that is written: source, issue or documentation. */
  readonly source: string;
}

const DISTRIBUTION_2 = "https://github.com/distribution/distribution/blob/v2.8.2/registry/handlers";
const HARBOR =
  "https://github.com/goharbor/harbor/blob/c50c7ddd6ea4e335a480b49c618281882ab7eec9/src";
const ZOT = "https://github.com/project-zot/zot/blob/6d19b445fed1c86c23fb7b351fac07cfd4717402/pkg";

/** All of them. `docs/registry-differences.md` shows this table; a test compares the two. */
export const DIFFERENCES = {
  "tag-delete-digest-invalid": {
    says: "refuses to delete a tag by its name, with 400 DIGEST_INVALID",
    source: "https://github.com/distribution/distribution/issues/1529",
  },
  "tag-delete-400": {
    says: "refuses to delete a tag by its name, with 400 UNSUPPORTED",
    source: `${HARBOR}/server/registry/manifest.go`,
  },
  "tag-delete-405": {
    says: "refuses to delete a tag by its name, with 405 (Quay before August 2024)",
    source: "https://github.com/quay/quay/pull/3128",
  },
  "tag-delete-takes-all": {
    says: "deletes, with a tag, its manifest and all other tags of that",
    source: "https://docs.azure.cn/en-us/container-registry/container-registry-delete",
  },
  "delete-405": {
    says: "deletes nothing over this API, only over one of its own (405 UNSUPPORTED)",
    source: "https://github.com/podman-container-tools/skopeo/issues/1880",
  },
  "delete-404-page": {
    says: "has no route for deleting: 404 with a page instead of an error (ECR until 2024)",
    source: "https://github.com/aws/containers-roadmap/issues/1229",
  },
  "child-delete-405": {
    says: "refuses to delete a manifest that an index needs, with 405",
    source: `${ZOT}/storage/imagestore/imagestore.go`,
  },
  "child-delete-refused": {
    says: "refuses to delete a manifest that an index needs",
    source: "https://gitlab.com/gitlab-org/container-registry/-/merge_requests/514",
  },
  "index-delete-takes-children": {
    says: "deletes, with an index, those of its children that have no tag and no other index",
    source: `${ZOT}/storage/common/common.go`,
  },
  "collision-409": {
    says: "refuses to delete a digest that has several tags, with 409, to users who have detectManifestCollision",
    source: `${ZOT}/api/routes.go`,
  },
  "delete-unknown-name-400": {
    says: "answers a DELETE in a repository that it does not have with 400 NAME_UNKNOWN",
    source: `${ZOT}/api/routes.go`,
  },
  "no-catalog": {
    says: "has no list of repositories: 404 as plain text",
    source: "https://github.com/microsoft/vscode-docker/issues/1938",
  },
  "catalog-refused": {
    says: "shows its list of repositories to nobody but its administrators: 401 also with a token",
    source: "https://github.com/portainer/portainer/issues/2956",
  },
  "catalog-basic": {
    says: "shows its list of repositories to administrators alone, and asks all others for a Basic login",
    source: `${HARBOR}/server/middleware/v2auth/auth.go`,
  },
  "catalog-n-limit": {
    says: "refuses to list more than 1,000 repositories at once, with 400 PAGINATION_NUMBER_INVALID",
    source: `${DISTRIBUTION_2}/catalog.go`,
  },
  "catalog-last-must-exist": {
    says: "refuses to go on after a repository that is gone, with 400",
    source: `${HARBOR}/server/registry/catalog.go`,
  },
  "empty-repositories-stay": {
    says: "goes on listing a repository that has nothing left",
    source: "https://github.com/distribution/distribution/issues/2314",
  },
  "no-tags-404": {
    says: "goes on listing a repository that has nothing left, and answers 404 NAME_UNKNOWN for its tags",
    source: "https://github.com/distribution/distribution/issues/4324",
  },
  "empty-lists-null": {
    says: "sends null where a list has nothing",
    source: `${DISTRIBUTION_2}/tags.go`,
  },
  "tags-unsorted": {
    says: "sends tags in no order",
    source: "https://github.com/distribution/distribution/blob/v2.8.2/registry/storage/tagstore.go",
  },
  "tags-without-pages": {
    says: "sends all tags at once, whatever number is asked for",
    source: `${DISTRIBUTION_2}/tags.go`,
  },
  "n-limit-unsupported": {
    says: "refuses to list more than 1,000 entries at once, with UNSUPPORTED",
    source: "https://github.com/google/go-containerregistry/issues/681",
  },
  "link-next-page": {
    says: "names the next page by an opaque next_page, not by last",
    source: "https://github.com/distribution/distribution/pull/2448",
  },
  "link-absolute": {
    says: "names the next page by an absolute URL",
    source: "https://github.com/sonatype/nexus-public/issues/117",
  },
  "link-elsewhere": {
    says: "names, behind a gateway, the next page by the URL that it has itself",
    source: "https://github.com/oras-project/artifacts-spec/issues/93",
  },
  "tags-last-must-exist": {
    says: "answers 404 without a word when the tag to go on after is gone",
    source: `${ZOT}/api/routes.go`,
  },
  "head-without-digest": {
    says: "answers HEAD without Docker-Content-Digest",
    source: "https://github.com/deitch/docker_registry2/issues/83",
  },
  "head-octet-stream": {
    says: "answers HEAD with application/octet-stream",
    source: "https://github.com/deitch/docker_registry2/issues/83",
  },
  "get-without-digest": {
    says: "answers GET without Docker-Content-Digest",
    source: "https://github.com/distribution/distribution/issues/3792",
  },
  "accept-needed": {
    says: "has an OCI manifest only for those who say that they accept it: 404 otherwise",
    source: `${DISTRIBUTION_2}/manifests.go`,
  },
  "reading-is-pulling": {
    says: "takes every GET of a manifest for a pull, and HEAD not",
    source: `${HARBOR}/server/registry/manifest.go`,
  },
  "no-referrers": {
    says: "has no list of referrers: 404 as plain text, and no OCI-Subject",
    source: "https://github.com/oras-project/rust-oci-client/pull/259",
  },
  "referrers-404": {
    says: "has no list of referrers: 404 with an error, and no OCI-Subject",
    source: "https://github.com/actions/attest-build-provenance/issues/91",
  },
  "web-page-404": {
    says: "answers what it does not know with 404 and a web page, as the web server in front of it does",
    source: "https://nginx.org/en/docs/http/ngx_http_core_module.html#error_page",
  },
  "referrers-406": {
    says: "has no list of referrers: 406",
    source: "https://github.com/google/go-containerregistry/issues/1962",
  },
  "not-found-code": {
    says: "calls whatever is not there NOT_FOUND",
    source: `${HARBOR}/lib/errors/const.go`,
  },
  "reading-needs-login": {
    says: "asks for a login even for what everybody may pull",
    source: `${HARBOR}/server/middleware/v2auth/auth.go`,
  },
  "sometimes-429": {
    says: "answers 429 with Retry-After when it is asked too often",
    source: "https://github.com/containerd/containerd/issues/10447",
  },
  "immutable-tags": {
    says: "refuses to remove or move tags that a rule of the project protects, and to delete what has such a tag (412)",
    source: `${HARBOR}/controller/tag/controller.go`,
  },
  "nobody-instead-of-401": {
    says: "takes who has a wrong password for nobody in its own API, and answers with what everybody may see",
    source: `${HARBOR}/server/middleware/security/unauthorized.go`,
  },
} as const satisfies Readonly<Record<string, Difference>>;

export type DifferenceName = keyof typeof DIFFERENCES;

/** A registry that others run: the differences that make it up, all found in one place. */
export interface Kind {
  readonly title: string;
  readonly differences: readonly DifferenceName[];
  /** How it wants to know who asks; with `users`. */
  readonly login: "none" | "basic" | "bearer";
}

export const KINDS = {
  "registry-2.8": {
    title: "registry 2.8 (`registry:2`, Debian's docker-registry)",
    login: "basic",
    differences: [
      "tag-delete-digest-invalid",
      "catalog-n-limit",
      "empty-repositories-stay",
      "empty-lists-null",
      "tags-unsorted",
      "tags-without-pages",
      "accept-needed",
      "no-referrers",
    ],
  },
  "registry-3": {
    title: "registry 3 (`registry:3`)",
    login: "basic",
    differences: ["catalog-n-limit", "no-tags-404", "accept-needed", "no-referrers"],
  },
  harbor: {
    title: "Harbor 2",
    login: "bearer",
    differences: [
      "tag-delete-400",
      "catalog-basic",
      "catalog-last-must-exist",
      "reading-is-pulling",
      "reading-needs-login",
      "not-found-code",
      "immutable-tags",
      "nobody-instead-of-401",
    ],
  },
  zot: {
    title: "zot",
    login: "basic",
    differences: [
      "child-delete-405",
      "index-delete-takes-children",
      "collision-409",
      "delete-unknown-name-400",
      "tags-last-must-exist",
    ],
  },
  ghcr: {
    title: "GitHub (ghcr.io)",
    login: "bearer",
    differences: ["no-catalog", "delete-405", "referrers-404"],
  },
  gitlab: {
    title: "GitLab",
    login: "bearer",
    differences: ["catalog-refused", "child-delete-refused", "no-referrers"],
  },
  ecr: {
    title: "Amazon ECR",
    login: "basic",
    differences: ["n-limit-unsupported", "get-without-digest", "sometimes-429"],
  },
  "ecr-2023": {
    title: "Amazon ECR, before it could delete",
    login: "basic",
    differences: ["n-limit-unsupported", "get-without-digest", "delete-404-page"],
  },
  quay: {
    title: "Quay, before August 2024",
    login: "bearer",
    differences: ["tag-delete-405", "link-next-page"],
  },
  acr: {
    title: "Azure (as its documentation describes deleting by tag)",
    login: "basic",
    differences: ["tag-delete-takes-all", "link-elsewhere"],
  },
  nexus: {
    title: "Nexus",
    login: "basic",
    differences: ["link-absolute", "no-referrers"],
  },
  artifactory: {
    title: "Artifactory",
    login: "basic",
    differences: ["head-without-digest", "head-octet-stream", "referrers-406"],
  },
  proxied: {
    title: "any, behind a web server with pages of its own",
    login: "none",
    differences: ["web-page-404", "head-without-digest", "link-elsewhere"],
  },
} as const satisfies Readonly<Record<string, Kind>>;

export type KindName = keyof typeof KINDS;
