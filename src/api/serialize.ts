import type { FastifyBaseLogger, FastifySerializerCompiler } from 'fastify';
import { z } from 'zod';

type Path = readonly PropertyKey[];
type Parent = Record<PropertyKey, unknown>;

/**
 * Serialises answers by their zod schemas, and never fails because of a value that does not fit: that value is left
 * out, and the log names it. Rows may hold what nobody expected (a picture of unknown size, an edited database), and
 * one of them must not hide a whole list.
 */
export function serializeLeniently(log: FastifyBaseLogger): FastifySerializerCompiler<z.ZodType> {
  return ({ schema, method, url }) =>
    (data) => {
      const encoded = z.safeEncode(schema, data);
      if (encoded.success) return JSON.stringify(encoded.data);
      const { known, omitted } = validParts(schema, data);
      log.warn({ method, route: url, omitted }, 'values that do not fit the schema are left out of an answer');
      return JSON.stringify(known);
    };
}

/**
 * Leaves out what does not fit a schema. A value that is required takes the optional object around it along, because
 * clients rely on all of such an object; an item of a list, and the whole, stay without it.
 * @returns the rest, and dotted paths of what was left out
 */
export function validParts<T>(schema: z.ZodType, data: T): { known: T; omitted: string[] } {
  const root = { whole: structuredClone(data) as unknown };
  const omitted: string[] = [];
  for (;;) {
    const encoded = z.safeEncode(schema, root.whole);
    if (encoded.success) return { known: encoded.data as T, omitted };
    const lists = new Set<unknown[]>();
    const before = omitted.length;
    for (const { path } of encoded.error.issues) {
      const left = omit(root, ['whole', ...path], lists);
      if (left) omitted.push(left.slice(1).join('.'));
    }
    // Items keep their places until all issues that name them are dealt with.
    for (const list of lists) list.splice(0, list.length, ...list.filter((item) => item !== undefined));
    if (omitted.length === before) return { known: root.whole as T, omitted };
  }
}

/** @returns the path of what was left out; undefined where nothing can be */
function omit(root: Parent, path: Path, lists: Set<unknown[]>): Path | undefined {
  // Of what is missing, the object that misses it goes.
  const target = valueAt(root, path) === undefined ? path.slice(0, -1) : path;
  const parent = valueAt(root, target.slice(0, -1)) as Parent;
  const key = target.at(-1)!;
  const isObject = typeof valueAt(root, target) === 'object';
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
