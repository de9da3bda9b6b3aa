import { type EmbeddingRow, encodeBlock, writeResult } from '../../src/tasks/results/results.ts';
import { resultKey } from '../../src/tasks/work.ts';
import { CONFIGURED_KEY, type TestApp, VIDEO } from './app.ts';

export const TASKS = '/v1.3/embed-v2/tasks';
export const headers = { 'x-api-key': CONFIGURED_KEY };

/** Range that {@link setProbed} gives a task. */
const RANGE = { startSec: 2, endSec: 20.5 };
type Fields = Record<string, unknown>;
const FACTS = { bundle: 'signal@1' };

/** Creates a task of a video through the API. @returns its id */
export async function createVideoTask(t: TestApp, fields: Fields = {}): Promise<string> {
  return (await postTask(t, videoBody(fields))).json()._id;
}

export function retrieveTask({ app }: TestApp, id: string, query = '', more: Record<string, string> = {}) {
  return app.inject({ url: `${TASKS}/${id}${query}`, headers: { ...headers, ...more } });
}

export async function setProbed({ tasks }: TestApp, id: string): Promise<void> {
  await tasks.setProbed(id, VIDEO, RANGE);
}

/** Completes a task with two visual segments. @returns the rows of the segments */
export async function finishTask(
  { blobs, tasks }: TestApp,
  id: string,
  warnings: string[] = [],
): Promise<EmbeddingRow[]> {
  const embedding = Float32Array.from({ length: 512 }, (_, i) => (i === 3 ? 0.8 : i === 4 ? -0.6 : 0));
  const rows = [2, 8].map((startSec, segment) => {
    return { segment, startSec, endSec: startSec + 6, option: 'visual', scope: 'clip', embedding } as const;
  });
  const facts = { task: id, ...FACTS };
  const block = `tasks/${id}/block`;
  await blobs.write(block, encodeBlock(rows, { ...facts, segments: 2 }));
  const request = { scopes: ['clip', 'asset'] as const };
  await writeResult({ blobs, blocks: [block], key: resultKey(id), request, range: RANGE, facts });
  await tasks.setReady(id, warnings);
  return rows;
}

const URL_SOURCE = { media_source: { url: 'https://media.test/a.mp4' } };

export const videoBody = (fields: Fields = {}, top: Fields = {}) => ({
  input_type: 'video',
  model_name: 'marengo3.0',
  video: { ...URL_SOURCE, ...fields },
  ...top,
});

export const audioBody = (fields: Fields = {}) => ({
  input_type: 'audio',
  model_name: 'marengo3.0',
  audio: { ...URL_SOURCE, ...fields },
});

export function postTask({ app }: TestApp, payload: object, more: Record<string, string> = {}) {
  return app.inject({ method: 'POST', url: TASKS, headers: { ...headers, ...more }, payload });
}
