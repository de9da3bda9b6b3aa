import type { FastifySchemaCompiler } from 'fastify';
import { z } from 'zod';
import type { BundleInfo } from '../../encode/encoder.ts';
import { validate } from '../validation.ts';

/** Model name whose requests have the shapes of the second model generation. */
export const MARENGO_35 = 'marengo3.5';
const DEFAULT_NAME = 'marengo3.0';

/** Model names of the configuration, and the bundle that serves all of them. */
export interface Served {
  readonly modelNames: readonly string[];
  readonly bundle: Pick<BundleInfo, 'name' | 'dimensions'>;
}

/** All model names that a request may have: those of the configuration, and the name of the bundle. */
export function allNames({ modelNames, bundle }: Served): string[] {
  return [...new Set([...modelNames, bundle.name])];
}

/** Model names with the shapes of marengo3.0. */
export function firstGenerationNames(served: Served): string[] {
  return allNames(served).filter((name) => name !== MARENGO_35);
}

/**
 * Schema of a model name. A missing name is that of marengo3.0, although the document requires one, as the original
 * does.
 */
export function modelName(names: readonly string[], { bundle }: Served, title?: string) {
  return z
    .preprocess((given) => given ?? DEFAULT_NAME, z.enum(names))
    .meta({ description: `served by the bundle ${bundle.name}`, ...(title && { title }) });
}

/** Body schemas of an operation, for marengo3.0 and for marengo3.5. */
export interface BodySchemas<First extends z.ZodType, Second extends z.ZodType> {
  readonly first: First;
  readonly second: Second;
}

/** Schema of both generations for the document and for types; bodies are validated by `validateByModel`. */
export function bodySchema<First extends z.ZodType, Second extends z.ZodType>(
  served: Served,
  { first, second }: BodySchemas<First, Second>,
  examples: object,
) {
  const isServed = served.modelNames.includes(MARENGO_35);
  const both = z.union(isServed ? [first, second] : [first]);
  return (both as z.ZodUnion<[First, Second]>).meta({ 'x-examples': examples });
}

/** Validates a body by the schema of its model name. The document shows both schemas. */
export function validateByModel<RouteSchema>(
  served: Served,
  schemas: BodySchemas<z.ZodType, z.ZodType>,
): FastifySchemaCompiler<RouteSchema> {
  const named = z.looseObject({ model_name: modelName(allNames(served), served) });
  return (given) => {
    const route = given as unknown as Parameters<typeof validate>[0];
    if (route.httpPart !== 'body') return validate(route);
    const checkName = validate({ ...route, schema: named });
    const first = validate({ ...route, schema: schemas.first });
    const second = validate({ ...route, schema: schemas.second });
    return (data) => {
      const result = checkName(data) as { error?: Error };
      if (result.error) return result;
      return (data as { model_name?: unknown }).model_name === MARENGO_35 ? second(data) : first(data);
    };
  };
}
