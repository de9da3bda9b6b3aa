import type { FastifyBaseLogger, FastifySerializerCompiler } from 'fastify';
import { z } from 'zod';

type Path = readonly PropertyKey[];
type Parent = Record<PropertyKey, unknown>;

/**
 * Serialises responses by their zod schemas, and omits invalid values with a warning instead of failing. Rows may hold
 * unexpected values (a picture of unknown size, an edited database), and one row must not hide a whole list.
 */
export function serializeLeniently(log: FastifyBaseLogger): FastifySerializerCompiler<z.ZodType> {
  return ({ schema, method, url }) =>
    (data) => {
      const encoded = z.safeEncode(schema, data);
      if (encoded.success) return JSON.stringify(encoded.data);
      const { valid, omitted } = validParts(schema, data);
      log.warn({ method, route: url, omitted }, 'invalid values omitted');
      return JSON.stringify(valid);
    };
}

/**
 * Removes the values that do not fit a schema. An invalid required value removes the optional object around it, because
 * clients rely on all fields of such an object. A list item and the root object stay without the value.
 * @returns the valid rest, and the dotted paths of the removed values
 */
export function validParts<T>(schema: z.ZodType, data: T): { valid: T; omitted: string[] } {
  const root = { whole: structuredClone(data) as unknown };
  const omitted: string[] = [];
  for (;;) {
    const encoded = z.safeEncode(schema, root.whole);
    if (encoded.success) return { valid: encoded.data as T, omitted };
    const lists = new Set<unknown[]>();
    const before = omitted.length;
    for (const { path } of encoded.error.issues) {
      const left = omit(root, ['whole', ...path], lists);
      if (left) omitted.push(left.slice(1).join('.'));
    }
    // Items keep their indices until all issues that refer to them are handled.
    for (const list of lists) list.splice(0, list.length, ...list.filter((item) => item !== undefined));
    if (omitted.length === before) return { valid: root.whole as T, omitted };
  }
}

/** Removes a value. @returns the path of the removed value; undefined if nothing can be removed */
function omit(root: Parent, path: Path, lists: Set<unknown[]>): Path | undefined {
  // If the value is missing, the object that lacks it is removed.
  const target = valueAt(root, path) === undefined ? path.slice(0, -1) : path;
  const parent = valueAt(root, target.slice(0, -1)) as Parent;
  const key = target.at(-1)!;
  const value = valueAt(root, target);
  const isObject = typeof value === 'object' && value !== null;
  if (target.length < 2 || (target !== path && typeof key === 'number')) return undefined;
  if (Array.isArray(parent)) {
    if (target === path && isObject) return undefined;
    parent[key as number] = undefined;
    lists.add(parent);
  } else delete parent[key];
  return target;
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => (value as Parent | undefined | null)?.[key], root);
}
