import type { Content } from "./content.ts";
import { HarborGc } from "./harbor-gc.ts";

export interface Project {
  readonly name: string;
  /** Everybody may pull from it. */
  readonly open: boolean;
  /** Globs of tags that cannot be moved or removed. */
  readonly immutable: readonly string[];
}

/** What a Harbor knows beside the content. */
export class HarborState {
  readonly #projects = new Map<string, Project>();
  readonly gc: HarborGc;
  readOnly = false;

  constructor(readonly content: Content) {
    this.gc = new HarborGc(content);
  }

  addProject(name: string, more: Partial<Project> = {}): void {
    this.#projects.set(name, { name, open: false, immutable: [], ...more });
  }

  projects(): Project[] {
    return [...this.#projects.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  project(name: string): Project | null {
    return this.#projects.get(name) ?? null;
  }

  isImmutable(repository: string, tag: string): boolean {
    const rules = this.project(repository.split("/", 1)[0] ?? "")?.immutable ?? [];
    return rules.some((glob) => new Bun.Glob(glob).match(tag));
  }
}
