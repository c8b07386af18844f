import type { Log } from "../observe/log.ts";
import { type Certificates, type TlsSettings, readCertificates } from "./certificates.ts";
import type { TlsOptions } from "./listener.ts";

/** How often the files are read: they are small, and no event tells of every way to replace a file. */
const INTERVAL_MS = 2000;

/** Brings a changed certificate to whoever shows it. */
export class CertificateWatch {
  #settings: TlsSettings;
  #shown: Certificates;
  /** What could not be shown when last looked at; "": all is well. */
  #trouble = "";
  #told = "";
  readonly #present: (options: TlsOptions) => Promise<void>;
  readonly #log: Log;
  readonly #timer: Timer;

  constructor(
    settings: TlsSettings,
    shown: Certificates,
    present: (options: TlsOptions) => Promise<void>,
    log: Log,
    interval = INTERVAL_MS,
  ) {
    this.#settings = settings;
    this.#shown = shown;
    this.#present = present;
    this.#log = log;
    this.#timer = setInterval(() => void this.#look(), interval);
    if (shown.expires < Date.now()) this.#warnExpired();
  }

  get shown(): Certificates {
    return this.#shown;
  }

  /** Goes by other files from now on; `read` is what they say. Throws when it cannot be used. */
  async follow(settings: TlsSettings, read: Certificates): Promise<void> {
    await this.#show(read);
    this.#settings = settings;
    this.#trouble = "";
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    try {
      await this.#show(readCertificates(this.#settings));
      this.#trouble = "";
      this.#told = "";
    } catch (error) {
      this.#complain((error as Error).message);
    }
  }

  async #show(read: Certificates): Promise<void> {
    if (read.fingerprint === this.#shown.fingerprint) return;
    await this.#present(read.options);
    this.#shown = read;
    const { subject, expires } = read;
    this.#log.info({ subject, expires: new Date(expires) }, "the certificate was replaced");
    if (expires < Date.now()) this.#warnExpired();
  }

  #warnExpired(): void {
    const { subject, expires } = this.#shown;
    this.#log.warn({ subject, expires: new Date(expires) }, "the certificate has expired");
  }

  /**
   * Once for each trouble, and not at its first sight: certificate and key cannot be replaced in one
   * stroke, so for a moment they may not belong together.
   */
  #complain(reason: string): void {
    if (this.#trouble === reason && this.#told !== reason) {
      this.#told = reason;
      this.#log.error({ reason }, "the new certificate cannot be used; the old one stays");
    }
    this.#trouble = reason;
  }
}
