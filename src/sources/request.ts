import { STATUS_CODES } from 'node:http';
import type { Dispatcher } from 'undici';
import { HttpFailure } from '../http/failure.ts';
import { type Answer, get } from '../http/get.ts';
import { storageReason } from './error-body.ts';

/** Statuses of temporary failures, worth a retry. */
const TRANSIENT_STATUSES = [408, 425, 429, 500, 502, 503, 504];

/**
 * Sends a GET for a source.
 * @throws {HttpFailure} unless the status is 200, or 206 or 416 for a range request
 */
export async function requestSource(
  dispatcher: Dispatcher,
  url: URL,
  { headers, signal }: { headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Answer> {
  const answer = await get(dispatcher, url, { headers, signal });
  const { status } = answer;
  if (status === 200 || (headers?.['range'] && (status === 206 || status === 416))) return answer;
  using _ = answer;
  const reason = await storageReason(answer.body);
  const hint = status === 401 || status === 403 ? '; the link must be public or signed' : '';
  const said = `it answers HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  throw new HttpFailure(`${said}${reason ? ` (${reason})` : ''}${hint}`, {
    isRetryable: TRANSIENT_STATUSES.includes(status),
    status,
  });
}
