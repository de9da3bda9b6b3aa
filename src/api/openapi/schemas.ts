import { isDeepStrictEqual } from 'node:util';
import { type Document, isObject, type Json, type JsonObject, operationsOf } from './types.ts';

/**
 * Moves each schema with a `title` to `components.schemas` and replaces it with a reference. The names are those of the
 * TwelveLabs documents, so that clients generated from either have the same types.
 * @throws if two different schemas have the same name
 */
export function nameSchemas(document: Document): void {
  const { schemas } = document.components;
  const named = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(named);
    if (!isObject(value)) return value;
    const inner = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, named(item)]));
    const { title, description, default: fallback, ...schema } = inner;
    // `title` can also be a property name.
    if (typeof title !== 'string') return inner;
    const known = schemas[title];
    if (known === undefined) schemas[title] = schema;
    else if (!isDeepStrictEqual(known, schema)) throw new Error(`Two schemas are called ${title}.`);
    return {
      $ref: `#/components/schemas/${title}`,
      ...(description !== undefined && { description }),
      ...(fallback !== undefined && { default: fallback }),
    };
  };
  for (const { requestBody, responses } of operationsOf(document)) {
    const contents = [requestBody?.content, ...Object.values(responses).map(({ content }) => content)];
    for (const media of contents.flatMap((content) => Object.values(content ?? {}))) {
      if (media.schema) media.schema = named(media.schema) as JsonObject;
    }
  }
  const names = Object.keys(schemas).sort();
  document.components.schemas = Object.fromEntries(names.map((name) => [name, schemas[name]!]));
}

/** Makes all optional properties of JSON request bodies nullable, because SDKs send null for unset fields. */
export function allowNulls(document: Document): void {
  for (const { requestBody } of operationsOf(document)) {
    const media = requestBody?.content['application/json'];
    if (media?.schema) media.schema = withNulls(media.schema) as JsonObject;
  }
}

function withNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map(withNulls);
  if (!isObject(value)) return value;
  const inner = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withNulls(item)]));
  if (!isObject(inner['properties'])) return inner;
  const required = (inner['required'] ?? []) as string[];
  const properties = Object.entries(inner['properties']).map(([name, property]) => [
    name,
    required.includes(name) ? property : orNull(property as JsonObject),
  ]);
  return { ...inner, properties: Object.fromEntries(properties) };
}

function orNull({ description, default: fallback, ...schema }: JsonObject): JsonObject {
  return {
    ...(description !== undefined && { description }),
    ...(fallback !== undefined && { default: fallback }),
    anyOf: [schema, { type: 'null' }],
  };
}
