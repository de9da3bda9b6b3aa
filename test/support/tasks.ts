import assert from 'node:assert/strict';
import type { InputType } from '../../src/domain/media-kind.ts';
import { KEY, type RunningServer } from './server.ts';

/** Plain HTTP answer of the API, with the status, headers and body that the official SDK hides. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the test checks the server's answer
  readonly body: any;
  readonly text: string;
}

/** Ended task. */
export interface EndedTask {
  readonly status: 'ready' | 'failed';
  readonly error?: { readonly code: string; readonly message: string };
  readonly warnings: readonly string[];
  /** `data` as sent, for byte-wise comparison. Megabytes long: keep it out of assertion messages. */
  readonly data: string;
}

const ANSWER_TIMEOUT_MS = 70_000;

/** Sends a request. @param path below `/v1.3`; a path outside it begins with `//`: `//healthz` */
export async function call(
  server: RunningServer,
  method: string,
  path: string,
  { body, headers = { 'x-api-key': KEY } }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const url = path.startsWith('//') ? new URL(path.slice(1), server.url) : `${server.url}${path}`;
  const isForm = body instanceof FormData;
  const response = await fetch(url, {
    method,
    headers: body === undefined || isForm ? headers : { 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text), text };
}

/** Request body for video or audio from a source: `{ url }`, `{ base64_string }`, `{ asset_id }`. */
export function asking(inputType: InputType, mediaSource: object, overrides: object = {}): object {
  return { input_type: inputType, model_name: 'marengo3.0', [inputType]: { media_source: mediaSource, ...overrides } };
}

/** Creates a task. @returns its id */
export async function createTask(server: RunningServer, body: object): Promise<string> {
  const answer = await call(server, 'POST', '/embed-v2/tasks', { body });
  assert.equal(answer.status, 202, answer.text.slice(0, 500));
  return answer.body._id;
}

/** Waits for the end of a task. */
export async function ended(server: RunningServer, id: string, withinMs = 60_000): Promise<EndedTask> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const left = deadline - performance.now();
    assert.ok(left > 0, `task ${id} is over within ${withinMs} ms`);
    const { status, body, text } = await call(server, 'GET', `/embed-v2/tasks/${id}?wait=${Math.min(60, left / 1000)}`);
    assert.equal(status, 200, text.slice(0, 500));
    if (body.status === 'processing') continue;
    return {
      status: body.status,
      error: body.error,
      warnings: body.warnings,
      data: text.slice(text.indexOf('"data":')),
    };
  }
}

/** Waits for the end of a task, which must be `ready`. */
export async function ready(server: RunningServer, id: string, withinMs?: number): Promise<EndedTask> {
  const task = await ended(server, id, withinMs);
  assert.equal(task.status, 'ready', task.error?.message);
  return task;
}

/** Uploads a file as an asset and waits until it is prepared. @returns the asset */
export async function uploadAsset(server: RunningServer, content: Uint8Array, filename: string) {
  const form = new FormData();
  form.set('method', 'direct');
  form.set('file', new Blob([Uint8Array.from(content)]), filename);
  const created = await call(server, 'POST', '/assets', { body: form });
  return created.status >= 300 ? created : settledAsset(server, created.body._id);
}

/** Polls an asset until it is ready or failed. @returns the answer of the last poll, with all details */
export async function settledAsset(server: RunningServer, id: string): Promise<Answer> {
  for (;;) {
    const answer = await call(server, 'GET', `/assets/${id}`);
    if (answer.status >= 300 || answer.body.status !== 'processing') return answer;
  }
}
