import { type Inputs, at } from "./support/titles.ts";

const client = (file: string, ...titles: string[]): string[] =>
  titles.map((title) => `src/client/${file}.test.ts: ${title}`);
const realm = (...titles: string[]): string[] => client("hostile-realm", ...titles);
const redirect = (...titles: string[]): string[] => client("hostile-redirect", ...titles);
const body = (...titles: string[]): string[] => client("hostile-body", ...titles);
const tls = (...titles: string[]): string[] => client("hostile-tls", ...titles);

/** What a hostile registry may do to a client. */
export const CLIENT: Inputs = {
  76: {
    input: "realms elsewhere, without TLS, at private addresses in every spelling",
    tests: [
      ...realm(
        "of %p gets no password from us",
        "it is in a private place",
        "of another domain is asked as nobody by who has no password",
        "in a private place is asked when privateRealm says so, but never where clouds keep secrets",
        "http://[::ffff:10.0.0.1]/token",
        "http://127%E3%80%820%E3%80%820%E3%80%821/token",
        "http://2130706433/token",
      ),
      ...client("http/reach", "a URL's host %p is the address that it hides"),
    ],
  },
  77: {
    input: "challenges that are odd, large or many",
    tests: realm(
      "with a quote that does not end",
      "of a mebibyte is not even read",
      "with a hundred ways",
      "for both a password and a token gets the token",
    ),
  },
  78: {
    input: "redirects to others, without end, to private places, and rebound names",
    tests: [
      ...redirect(
        "is not followed",
        "what was left out does not come back",
        "in a loop of fifty is left after five",
        "to the same host at another port does not take the password along",
        "is looked up once, and what was looked up is connected to",
        "that becomes this machine after it was named by somebody else is not asked",
      ),
      ...tls("is not done without on the way down to http"),
    ],
  },
  79: {
    input: "upload Locations elsewhere",
    tests: client(
      "hostile-upload",
      "gets neither bytes nor password",
      "of the registry itself is used",
      "with a line feed in it stays in its line",
      '["nothing", () => ""]',
    ),
  },
  80: {
    input: "bodies that do not end, or are not what was said",
    tests: body(
      "of a manifest is left at its limit, and nobody goes on listening",
      "of one byte now and then is given up when the whole takes too long",
      "of headers is not waited for",
      "one byte less than there are",
      "one byte more than there are",
      "of the right size with other bytes is refused, whatever its header says",
    ),
  },
  81: {
    input: "Links in circles, to others, and for ever",
    tests: client(
      "lists",
      "goes on at the registry itself when the link names %s",
      "that leads in a circle is left",
      "of one entry a page is left after ten thousand pages",
      "of empty pages that always promise another is left",
    ),
  },
  82: {
    input: "packed answers",
    tests: [
      ...body("is asked not to be used", "is refused whatever is in it, and nothing is unpacked"),
      ...client("lists", "that is packed to look small is not unpacked"),
    ],
  },
  83: {
    input: "other bytes than were asked for, tags that flip, HEAD that is not GET",
    tests: [
      ...client("manifests", "whose bytes are not those of the digest that was asked for"),
      ...body(
        "of a tag at each request gives each time one whole manifest",
        "to a HEAD and to a GET is found out before anything is believed",
      ),
    ],
  },
  84: {
    input: "names and tags that are none, twice, or a million",
    tests: client(
      "lists",
      "of what are no names is asked for under none of them",
      "with an entry more than once gives it once",
      "that grows for ever is left at a million entries",
    ),
  },
  85: {
    input: "absurd Retry-After, 401 for ever, web pages",
    tests: [
      ...client("http/retries", "of %p means %p ms", "that says a minute again and again"),
      ...realm("that comes for ever ends after one more try"),
      ...body("with a web page of type %p for a manifest is no registry"),
      ...client("lists", "that is a web page is no list"),
    ],
  },
  86: {
    input: "certificates that are wrong in every way",
    tests: tls(
      "that has expired",
      "for another host",
      "for the address alone",
      "that has signed itself, or an unknown authority has, is refused",
      "is not done without on the way down to http",
      "that was let through once does not let in who wants to be sure",
    ),
  },
};

/** What other clients fell for. */
export const CLIENT_CLASSES: Readonly<Record<string, readonly string[]>> = {
  "oras-go GHSA-vh4v: credentials went along to another scheme or port": redirect(
    "to the same host at another port does not take the password along",
  ),
  "oras-go CVE-2026-48978: a realm at private addresses, and without TLS": realm(
    "of %p gets no password from us",
    "it is in a private place",
  ),
  "oras-go CVE-2026-50151: an upload went to another host": client(
    "hostile-upload",
    "gets neither bytes nor password",
  ),
  "oras-go GHSA-f36w: a descriptor of an absurd size": body("more than we would read"),
  "regclient GHSA-qv35: a pinned digest was ignored": client(
    "manifests",
    "whose bytes are not those of the digest that was asked for",
  ),
  "containers/image CVE-2024-3727: a digest that is none became a path": [
    ...body("is never asked for"),
    ...client("lists", "of what are no names is asked for under none of them"),
  ],
  "containers/image CVE-2019-10214: TLS of the token server was not verified": tls(
    "that nobody checks at the registry is checked at its token server",
  ),
  "acr-env GO-2026-6225: a host was compared by its end": realm(
    "https://registry.example.com.evil.org/token",
    "https://evilexample.com/token",
  ),
  "Gitea CVE-2026-104636: a name was rebound after the check": redirect(
    "is looked up once, and what was looked up is connected to",
  ),
  "docker model-runner GO-2026-4911: a realm led into the own network": realm(
    "it is in a private place",
  ),
  "go-containerregistry #2193: credentials went wherever the realm said": realm(
    "https://evil.example.org/token",
  ),
  "secrets in errors, in addresses, at other hosts": [
    ...client("canary", "stays where it belongs when a registry %s"),
    ...at(
      "command/canary-registries",
      "no command shows or keeps a password, or tells it to others",
    ),
  ],
};
