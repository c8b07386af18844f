/** What opens a registry, and where it was found. */
export type Credentials = { readonly from: string } & (
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** Good only for fetching tokens from the registry's token server. */
  | { readonly kind: "identity"; readonly token: string }
  /** A token as it is. */
  | { readonly kind: "bearer"; readonly token: string }
);

export interface CredentialSource {
  /** Null when there are none for this `HOST[:PORT]`. Throws CREDENTIALS when they cannot be read. */
  find(host: string): Promise<Credentials | null>;
}

export type Environment = Readonly<Record<string, string | undefined>>;
