import { CannotResume, type Content } from './download.ts';
import type { Answer } from './get.ts';

/** Headers of a request for content from a byte on, of one version (RFC 9110, If-Range) if that is given. */
export function rangeHeaders(at: number, version?: string): Record<string, string> {
  return { ...(at > 0 && { range: `bytes=${at}-` }), ...(at > 0 && version !== undefined && { 'if-range': version }) };
}

/**
 * Content of the response to a request with `rangeHeaders`: status 200, or 206 or 416 for a range. The version is the
 * response's validator.
 * @throws {CannotResume} if the response does not continue the version; it is then disposed
 */
export function contentAt(answer: Answer, at: number, version?: string): Content {
  const { body, status, [Symbol.dispose]: dispose } = answer;
  if (at === 0) return { body, end: contentLength(answer), version: validator(answer), [Symbol.dispose]: dispose };
  const end = continuedTo(answer, at, version);
  if (end !== undefined) return { body: status === 206 ? body : [], end, version, [Symbol.dispose]: dispose };
  dispose();
  throw new CannotResume();
}

/** Value of `Content-Length`; undefined if it is absent or not a number. */
export function contentLength(answer: Answer): number | undefined {
  const length = answer.header('content-length');
  return length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
}

/** Validator for If-Range: a strong ETag, or a modification time that counts as strong (RFC 9110, 8.8.2.2). */
function validator(answer: Answer): string | undefined {
  const etag = answer.header('etag');
  if (etag?.startsWith('"')) return etag;
  const modified = answer.header('last-modified');
  const age = Date.parse(answer.header('date') ?? '') - Date.parse(modified ?? '');
  return age >= 1000 ? modified : undefined;
}

/** Size of the content that the response to a range request continues, or that had ended; undefined if it does not. */
function continuedTo(answer: Answer, at: number, version: string | undefined): number | undefined {
  // A host without support for If-Range answers for the current version.
  const etag = answer.header('etag');
  if (etag !== undefined && version?.startsWith('"') && etag !== version) return undefined;
  const range = answer.header('content-range');
  if (answer.status === 416) return range === `bytes */${at}` ? at : undefined;
  if (answer.status !== 206) return undefined;
  const [, start, last, size] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(range ?? '') ?? [];
  if (Number(start) !== at) return undefined;
  return size === '*' ? Number(last) + 1 : Number(size);
}
