import assert from 'node:assert/strict';
import { type Document, isObject, type Json, type Operation } from '../../src/api/openapi/types.ts';
import { validatorOf } from './openapi-validator.ts';

/** Validators by origin; undefined for a server that ended before it was asked. */
const checkers = new Map<string, Promise<Checker | undefined>>();
const plainFetch = globalThis.fetch;
let isInstalled = false;

interface Checker {
  readonly find: (method: string, path: string) => Operation | undefined;
  readonly validate: ReturnType<typeof validatorOf>;
}

/**
 * Validates all answers of a server that this process reads with `fetch`, directly or by the official SDK, against the
 * server's OpenAPI document: status and media type must be declared, and JSON must match its schema.
 */
export function checkAnswersOf(url: string): void {
  const { origin } = new URL(url);
  checkers.set(
    origin,
    checkerOf(origin).catch(() => undefined),
  );
  if (isInstalled) return;
  isInstalled = true;
  globalThis.fetch = async (input, init) => {
    const response = await plainFetch(input, init);
    const { origin, pathname } = new URL(response.url || String(input instanceof Request ? input.url : input));
    const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
    return checkers.has(origin) ? checked(response, { origin, pathname, method: method.toUpperCase() }) : response;
  };
}

/** Wraps a response, so that its body is validated when read whole. A body read as a stream is not validated. */
function checked(response: Response, request: { origin: string; pathname: string; method: string }): Response {
  const readText = response.text.bind(response);
  const text = async () => {
    const read = await readText();
    await check(response, read, request);
    return read;
  };
  Object.assign(response, { text, json: async () => JSON.parse(await text()) });
  return response;
}

async function check(
  response: Response,
  text: string,
  { origin, pathname, method }: { origin: string; pathname: string; method: string },
): Promise<void> {
  const checker = await checkers.get(origin);
  const operation = checker?.find(method, pathname);
  const type = response.headers.get('content-type')?.split(';')[0];
  const what = `${method} ${pathname} answered ${response.status} ${type}`;
  // Unknown paths and methods are not in the document; their errors have its shape.
  if (!checker || !operation) return;
  const declared = operation.responses[response.status];
  assert.ok(
    declared || response.status === 405,
    `${what}, which the OpenAPI document does not declare: ${text.slice(0, 300)}`,
  );
  if (!declared || method === 'HEAD' || text === '') return;
  const media = declared.content?.[type ?? ''];
  assert.ok(media, `${what}: the OpenAPI document declares ${Object.keys(declared.content ?? {})}`);
  if (type !== 'application/json' || !isObject(media.schema)) return;
  const fault = checker.validate(media.schema, JSON.parse(text) as Json);
  assert.equal(fault, undefined, `${what}, which does not match the OpenAPI document: ${fault}\n${text.slice(0, 500)}`);
}

async function checkerOf(origin: string): Promise<Checker> {
  const document = (await (await plainFetch(`${origin}/openapi.json`)).json()) as Document;
  const routes = Object.entries(document.paths)
    .map(([path, item]) => ({ pattern: new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]+')}/?$`), path, item }))
    // `/assets/multipart-uploads` is not the asset of that name.
    .toSorted((a, b) => a.path.split('{').length - b.path.split('{').length);
  return {
    find: (method, pathname) =>
      routes.find(({ pattern, item }) => pattern.test(pathname) && item[methodOf(method)])?.item[methodOf(method)],
    validate: validatorOf(document),
  };
}

function methodOf(method: string): string {
  return method === 'HEAD' ? 'get' : method.toLowerCase();
}
