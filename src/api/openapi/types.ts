/** Types of the parts of an OpenAPI 3.1 document that this folder changes. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  [name: string]: Json;
}

interface MediaType {
  schema?: JsonObject;
  example?: Json;
  examples?: Record<string, { value: Json }>;
}

export interface Answer {
  description: string;
  headers?: Record<string, JsonObject>;
  content?: Record<string, MediaType>;
}

export interface Operation {
  operationId: string;
  security?: readonly object[];
  parameters?: (JsonObject & { name: string; example?: Json })[];
  requestBody?: { required?: boolean; content: Record<string, MediaType> };
  responses: Record<string, Answer>;
}

export interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, JsonObject> & { schemas: JsonObject };
}

export function operationsOf({ paths }: Document): Operation[] {
  return Object.values(paths).flatMap((item) => Object.values(item));
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
