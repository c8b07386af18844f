import { type Inputs, at, odd, slow } from "./support/titles.ts";

const unit = (file: string, ...titles: string[]): string[] =>
  titles.map((title) => `src/auth/${file}.test.ts: ${title}`);
const forged = (...titles: string[]): string[] => unit("issuer-forged", ...titles);
/** Tokens that ours and docker-registry are asked about, one by one. */
const cases = (...titles: string[]): string[] => [
  ...at("e2e/token-server", "lets in whom docker-registry lets in"),
  ...titles.map((title) => `test/support/token-cases.ts: ${title}`),
];

/** Who somebody is and what he may do; what fails below, and what is told to others. */
export const ACCESS: Inputs = {
  57: {
    input: "DELETE where it is off, without the right, of what is needed",
    tests: [
      ...at(
        "protocol/management",
        "every form of it is a 405, and nothing goes",
        "that an index names is refused with the index, until that is gone",
      ),
      ...at("protocol/token-matrix", "every set of actions that a token may be"),
    ],
  },
  59: {
    input: "odd Basic credentials",
    tests: [
      ...unit(
        "password-gate",
        '"no colon"',
        '"no base64"',
        '"a mebibyte"',
        '"a user that is not UTF-8"',
        "or empty ones as skopeo does",
      ),
      ...unit(
        "passwords",
        "of a long password the first 72 bytes count",
        "no empty password is right, nor one with a NUL",
      ),
      ...at("protocol/access-headers", "two headers are none, also when both are right"),
    ],
  },
  60: {
    input: "an unknown user and a wrong password",
    tests: unit(
      "password-gate",
      "a wrong password, an unknown user and an empty password: in the same words",
    ),
  },
  61: {
    input: "floods of wrong passwords",
    tests: [
      ...unit(
        "password-gate",
        "a hundred passwords at once has five of them checked",
        "a thousand at once cannot even wait, and others still get in",
      ),
      ...unit("throttle", "an address that tries many users is slowed down for all of them"),
      ...unit("work-queue", "clients take turns"),
    ],
  },
  62: {
    input: "forged tokens",
    tests: [
      ...forged(
        '"alg none"',
        '"its own key in jwk"',
        '"its own key at x5u"',
        '"a kid that is a path"',
        '"a kid that is SQL"',
        '"HS256 with the public key as PEM"',
        '"a critical header that nobody knows"',
        '"a megabyte"',
      ),
      ...cases(
        "alg none, signed",
        "jwk of a stranger",
        "jku and x5u of a stranger",
        "kid that is a path",
        "alg HS256 with the public key",
        "a critical header that nobody knows",
        "a megabyte",
      ),
    ],
  },
  63: {
    input: "tokens for others, and outside of their time",
    tests: [
      ...forged(
        '"another audience"',
        '"another issuer"',
        '"expired a second ago"',
        '"not yet valid"',
        '"exp is text"',
        '"exp is 1e400"',
        '"no exp"',
      ),
      ...cases("another audience", "another issuer", "expired before it", "an end that is text"),
    ],
  },
  64: {
    input: "odd scopes",
    tests: unit(
      "scope",
      '"repository:*:*"',
      '"repository:app:pull,push,"',
      '"registry:catalog:*"',
      '"repository(plugin):app:pull"',
      '"repository:app: pull"',
      '"repository:host:5000/a/b:pull,push"',
      "ten thousand scopes take no time worth speaking of",
    ),
  },
  65: {
    input: "tokens for another service, and for nobody in particular",
    tests: [
      ...at(
        "protocol/tokens",
        '"another service"',
        "nobody gets a token for what is public, and is asked for a password otherwise",
      ),
      ...at("e2e/issuer", "what is public is pulled without a password, and nothing else is"),
    ],
  },
  66: {
    input: "tokens in other places than they are for",
    tests: at(
      "protocol/tokens",
      "is taken as a password, as Bearer, and to get tokens with; nowhere else",
      "what administers takes a token made for that; one that was issued never does",
    ),
  },
  67: {
    input: "tokens that were revoked, of users who went, came back or lost a group",
    tests: [
      ...at(
        "protocol/tokens",
        "when it is revoked, it and what was issued for it are dead within two seconds",
        "when a user is removed, or gets another password, his tokens are dead",
      ),
      ...unit(
        "issuer",
        "it dies with its user, with his password, and stays dead for another of his name",
      ),
      ...at("command/reload-access", "puts users and rules in force, and takes them away"),
    ],
  },
  68: {
    input: "headers that say who somebody is, or where he is",
    tests: at(
      "protocol/access-headers",
      '"X-WEBAUTH-USER"',
      '"X-Forwarded-Host"',
      '"X-Forwarded-Proto", "javascript"',
      '"X-Original-URL"',
      '"Forwarded"',
      "cannot pretend to be elsewhere, unless a trusted proxy says so",
    ),
  },
  69: {
    input: "other origins",
    tests: [
      "src/http/extra-headers.test.ts: https://a.example.evil",
      "src/http/extra-headers.test.ts: https://evil.example",
      ...at("protocol/operations", "allows nothing by itself"),
    ],
  },
  70: {
    input: "a private repository beside one that is not there",
    tests: at(
      "protocol/access-oracle",
      "is one that is not there: $route",
      "the oracle can fail: for one who may, the answers differ",
    ),
  },
  72: {
    input: "files of users that change, break or are made to be expensive",
    tests: [
      ...unit(
        "htpasswd-file",
        "another file renamed over it",
        "a link on the way that leads elsewhere, as Kubernetes changes a secret",
        "is cut off in a line",
        "a file of 100 MB is not read into memory",
      ),
      ...unit(
        "htpasswd",
        '"a cost of 31"',
        "of two lines for one user the last counts, and it is said",
        "line ends of Windows",
      ),
    ],
  },
  92: {
    input: "a full disk, one without inodes, one that fails, too few descriptors",
    tests: [
      ...at(
        "durability/full-disk",
        "refuses pushes with 507, and damages nothing",
        "that has no inodes left",
      ),
      ...at("durability/disk-errors", "is a clean error, changes nothing, and is overcome"),
      'test/durability/support/fault.ts: "EMFILE", "EACCES", "EROFS"',
      ...slow("after which those who wait at the door are let in"),
    ],
  },
  93: {
    input: "a sync that fails once",
    tests: at("durability/failed-sync", "of the database's log", "its file", "its folder"),
  },
  96: {
    input: "receivers of events that redirect, hang, or answer without end",
    tests: [
      "src/notify/deliver.test.ts: goes to no other server, whoever says so",
      "src/notify/deliver.test.ts: to a receiver that hangs is given up in time",
      "src/notify/deliver.test.ts: whose answer is a gigabyte costs neither memory nor time",
      "src/notify/endpoint.test.ts: carry a signature of the body when there is a secret",
      ...at("command/notifications", "show nobody the secrets of their endpoints"),
    ],
  },
  98: {
    input: "names without end, for the metrics",
    tests: [
      ...at("protocol/operations", "has as many series after many names as before"),
      "src/keep/listener/server.test.ts: of names without number make no metrics",
      "src/keep/state.test.ts: what strangers tell takes no more than so much room, and none from what is known",
    ],
  },
  100: {
    input: "a secret in every place for one",
    tests: [
      ...at(
        "command/serve-access",
        "is written nowhere, and comes back in no answer that is not for whoever sent it",
      ),
      ...at("command/canary", "no secret of a distribution configuration is written anywhere"),
      ...odd("with escape sequences, markup and other alphabets"),
    ],
  },
};

/** Mistakes of other registries about who may do what, each with the tests that would find it here. */
export const ACCESS_CLASSES: Readonly<Record<string, readonly string[]>> = {
  "distribution CVE-2025-24976: a token brought its own key": [
    ...forged('"its own key in jwk, under our name"', '"its own certificate in x5c"'),
    ...cases("jwk of a stranger under a trusted kid", "x5c of a stranger, with the root behind"),
  ],
  "zot CVE-2025-23208: a group was only ever added to": at(
    "command/reload-access",
    "puts users and rules in force, and takes them away",
  ),
  "zot CVE-2025-48374: secrets in the log": at(
    "command/serve-access",
    "is written nowhere, and comes back in no answer",
  ),
  "zot CVE-2026-61833: a token to push could delete": at(
    "protocol/token-matrix",
    "every set of actions that a token may be",
  ),
  "zot 4285: the file of users was exchanged by a link": [
    ...unit("htpasswd-file", "a link on the way that leads elsewhere, as Kubernetes"),
    ...at("command/user", "users come, change and go without a restart"),
  ],
  "Gitea CVE-2026-27771: a token of nobody opened what is private": [
    ...at("protocol/tokens", "nobody gets a token for what is public"),
    ...at("protocol/access-matrix", "for nobody in particular"),
  ],
  "Gitea CVE-2026-117685: a mount asked for the account's rights, not the token's": at(
    "protocol/tokens",
    "a layer is mounted from where the token may pull, whatever else its owner may",
  ),
  "Gitea CVE-2026-28699: a token counted for more in another form": at(
    "protocol/tokens",
    "is the same in each form: with a repository it is not for, there is nothing",
  ),
  "Gitea CVE-2026-20896: a header said who somebody is": at(
    "protocol/access-headers",
    "who somebody is, nobody says but his credentials:",
  ),
  "Gitea CVE-2025-69413: logins told who exists": unit(
    "password-gate",
    "a wrong password, an unknown user and an empty password: in the same words",
  ),
  "Quay CVE-2026-32589: another user's upload": at(
    "protocol/access-oracle",
    "to others who may push there, it is not there",
  ),
  "Quay CVE-2026-123710: a token for any audience administered": [
    ...at("protocol/tokens", '"another service"'),
    ...at("protocol/tokens", "one that was issued never does"),
  ],
  "Quay CVE-2026-2377: a callback was led to internal hosts": [
    "src/notify/deliver.test.ts: goes to no other server, whoever says so",
  ],
  "Harbor CVE-2020-29662: the catalog named what one may not see": at(
    "protocol/access-catalog",
    "has what the caller may pull",
    "is not shown to nobody in particular",
  ),
  "Harbor CVE-2026-4404: a default password": [
    ...unit("password-gate", "everybody, when there are no users"),
  ],
  "GitLab CVE-2019-12825: a token for one repository opened another": at(
    "protocol/token-matrix",
    "every set of actions that a token may be",
  ),
  "MinIO CVE-2026-33322: a public key was taken for a shared secret": [
    ...forged('"HS256 with the public key as PEM"', '"HS256 with the public key as JWK"'),
    ...cases("alg HS256 with the public key"),
  ],
};
