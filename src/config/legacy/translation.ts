import type { Environment } from "../environment.ts";

/** The tools whose configurations are taken. */
export const TOOLS = [
  "registry-gc",
  "cleanup-script",
  "registry-manager",
  "manifest-cleanup",
] as const;
export type Tool = (typeof TOOLS)[number];

/** A configuration of another tool in our words. */
export interface Translation {
  readonly tool: Tool;
  /** As it would stand in a wharf.yaml, without anything secret: `${NAME}` stands for what `secrets` has. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Values of variables that the settings name. */
  readonly secrets: Environment;
  /** What is done in another way than by the tool, or cannot be done. */
  readonly remarks: readonly Remark[];
  /** Nothing may be started with these: what is wrong, each with its key. */
  readonly faults: readonly string[];
  /** Our settings' paths, and the keys that they come from: for messages about them. */
  readonly origins: Readonly<Record<string, string>>;
  /** YAML of what belongs to a command that this file is not for; it goes along as a comment. */
  readonly asides: readonly Aside[];
}

export interface Remark {
  /** The path of our setting that it is about; empty: the whole. */
  readonly at: string;
  /** The key in the old configuration. */
  readonly from: string;
  /** A sentence or two: what changed, and why. */
  readonly text: string;
}

export interface Aside {
  readonly about: string;
  readonly value: unknown;
}

/** A text that must not be shown. */
class Secret {
  constructor(
    readonly variable: string,
    readonly value: string,
  ) {}
}

/** Collects a translation while a configuration is read. */
export class Draft {
  readonly remarks: Remark[] = [];
  readonly faults: string[] = [];
  readonly asides: Aside[] = [];
  readonly #origins: Record<string, string> = {};
  readonly #secrets: Record<string, string> = {};

  constructor(readonly tool: Tool) {}

  fault(key: string, reason: string): void {
    this.faults.push(`${key}: ${reason}`);
  }

  remark(at: string, from: string, text: string): void {
    this.remarks.push({ at, from, text });
  }

  /** Says where one of our settings comes from, and is its value. */
  from<Value>(key: string, path: string, value: Value): Value {
    this.#origins[path] = key;
    return value;
  }

  /** A secret, by the name of the variable that shall have it. */
  secret(variable: string, value: string): Secret {
    this.#secrets[variable] = value;
    return new Secret(variable, value);
  }

  /** What is undefined is left out. A Secret becomes `${NAME}`, and other texts stay what they are. */
  translation(settings: Readonly<Record<string, unknown>>): Translation {
    const { tool, remarks, faults, asides } = this;
    const plain = written(settings) as Record<string, unknown>;
    return {
      tool,
      settings: plain,
      remarks,
      faults,
      asides,
      secrets: this.#secrets,
      origins: this.#origins,
    };
  }
}

function written(value: unknown): unknown {
  if (value instanceof Secret) return `\${${value.variable}}`;
  if (typeof value === "string") return value.replaceAll("${", "$${");
  if (Array.isArray(value)) return value.map(written);
  if (typeof value !== "object" || value === null) return value;
  const all = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(all.map(([key, inner]) => [key, written(inner)]));
}
