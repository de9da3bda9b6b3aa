import type { FastifyInstance } from 'fastify';
import { ReelvecError } from '../errors.ts';
import { jsonFault } from './json-fault.ts';

/** Maximum characters of an invalid body in the error message. */
const MAX_QUOTED_CHARS = 20;

/** Installs Fastify's JSON parser with errors that state the position of the syntax error. */
export function parseJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text: string, done) => {
    parse(request, text, (error, body) => done(error && text !== '' ? invalidJson(text, error) : error, body));
  });
}

function invalidJson(text: string, cause: Error): ReelvecError {
  const fault = jsonFault(text);
  if (!fault) {
    const message =
      'The body has a key that is not allowed: "__proto__", or "constructor" with "prototype". Rename it.';
    return new ReelvecError('parameter_invalid', message, { cause });
  }
  const { offset, line, column } = fault;
  const found =
    offset === text.length ? 'it ends there' : `found ${JSON.stringify(text.slice(offset, offset + MAX_QUOTED_CHARS))}`;
  return new ReelvecError(
    'parameter_invalid',
    `The body is not valid JSON at line ${line}, column ${column}: ${found}.`,
    {
      details: { offset, line, column },
      cause,
    },
  );
}
