import type { z } from "zod";

type Type = z.core.$ZodType;

type Definition = z.core.$ZodTypes["_zod"]["def"];

/** What kind of schema it is, and what it is made of. */
export function definitionOf(type: Type): Definition {
  return (type as z.ZodType).def as Definition;
}

/** What a schema says about itself with `.meta()`, beside its description. */
interface Meta {
  readonly description?: string;
  /** Its value is shown to nobody, and may come from a file: `NAMEFile`. */
  readonly secret?: boolean;
}

/** A setting: something with a value of its own, or a list or map of such. */
export interface Setting {
  /** Keys from the top; `[]` stands for each entry of a list. */
  readonly path: readonly string[];
  /** Without defaults and other wrappings. */
  readonly type: Type;
  readonly description: string;
  readonly secret: boolean;
  /** As it would be written; undefined: it has none. */
  readonly fallback: unknown;
  readonly required: boolean;
}

interface Unwrapped {
  readonly type: Type;
  readonly meta: Meta;
  readonly fallback: unknown;
  readonly required: boolean;
}

/** Looks through defaults, optional and transforms to what is written. Pure. */
export function unwrap(outer: Type): Unwrapped {
  let type = outer;
  let meta: Meta = {};
  let fallback: unknown;
  let required = true;
  for (;;) {
    meta = { ...metaOf(type), ...meta };
    const def: { readonly type: string } & Partial<Wrapping> = definitionOf(type);
    if (def.type === "default" || def.type === "prefault") {
      fallback ??= def.defaultValue;
      required = false;
    } else if (def.type === "optional") required = false;
    const inner = def.type === "pipe" ? def.in : def.innerType;
    if (inner === undefined) return { type, meta, fallback, required };
    type = inner;
  }
}

interface Wrapping {
  readonly innerType: Type;
  readonly defaultValue: unknown;
  readonly in: Type;
}

function metaOf(type: Type): Meta {
  return ((type as z.ZodType).meta?.() ?? {}) as Meta;
}

/** The keys of an object, or of the one object among the options of a union; null when it has none. */
export function shapeOf(outer: Type): Readonly<Record<string, Type>> | null {
  const { type } = unwrap(outer);
  const def = definitionOf(type);
  if (def.type === "object") return def.shape;
  if (def.type !== "union") return null;
  for (const option of def.options) {
    const shape = shapeOf(option);
    if (shape !== null) return shape;
  }
  return null;
}

/** The schema of what stands at a path of keys and places; null when there is none. */
export function typeAt(outer: Type, path: readonly PropertyKey[]): Type | null {
  const [key, ...rest] = path;
  if (key === undefined) return outer;
  const shape = shapeOf(outer);
  if (shape !== null) {
    const inner = Object.hasOwn(shape, key) ? shape[String(key)] : undefined;
    return inner === undefined ? null : typeAt(inner, rest);
  }
  const def = definitionOf(unwrap(outer).type);
  if (def.type === "array") return typeAt(def.element, rest);
  if (def.type === "record") return typeAt(def.valueType, rest);
  return null;
}

/** All settings, in the order of the schema. What can be a value or a map (`auth`) comes as both. */
export function settingsOf(outer: Type, path: readonly string[] = []): Setting[] {
  const { type, meta, fallback, required } = unwrap(outer);
  const shape = shapeOf(type);
  const setting: Setting = {
    path,
    type,
    description: meta.description ?? "",
    secret: meta.secret ?? false,
    fallback,
    required,
  };
  const def = definitionOf(type);
  if (shape !== null) {
    const inner = Object.entries(shape).flatMap(([key, one]) => settingsOf(one, [...path, key]));
    return def.type === "union" ? [setting, ...inner] : inner;
  }
  if (def.type === "array" && shapeOf(def.element) !== null) {
    return [setting, ...settingsOf(def.element, [...path, "[]"])];
  }
  return [setting];
}
