import type { AddressInfo } from 'node:net';
import { OPTIONS } from '../../src/domain/option.ts';
import { SCOPES } from '../../src/domain/scope.ts';
import { type EmbeddingRow, encodeBlock, writeResult } from '../../src/tasks/results/results.ts';
import { resultKey } from '../../src/tasks/work.ts';
import { CONFIGURED_KEY, openTestApp } from './app.ts';

/**
 * Server in its own process, with one ready task of 10,000 segments and three options. It sends its URL to the parent
 * process. On any message it replies with its peak memory since the last message, in bytes. An argument sets the idle timeout
 * of its connections, in milliseconds.
 */

/** Blocks of the result, one per chunk. */
const BLOCK_COUNT = 20;
/** Segments of each block. */
const SEGMENTS_PER_BLOCK = 500;
/** Interval of memory samples in milliseconds. */
const SAMPLE_INTERVAL_MS = 5;

export interface LargeResult {
  readonly url: string;
  readonly headers: Record<string, string>;
}

const t = await openTestApp();
const headers = { 'x-api-key': CONFIGURED_KEY };
const payload = {
  input_type: 'video',
  model_name: 'marengo3.0',
  video: { media_source: { url: 'https://a.test/b.mp4' } },
};
const created = await t.app.inject({ method: 'POST', url: '/v1.3/embed-v2/tasks', headers, payload });
const id: string = created.json()._id;

const facts = { task: id, bundle: 'signal@1' };
const block = `tasks/${id}/block`;
await t.blobs.write(block, encodeBlock(rows(), { ...facts, segments: SEGMENTS_PER_BLOCK }));
await writeResult({
  blobs: t.blobs,
  blocks: Array.from({ length: BLOCK_COUNT }, () => block),
  key: resultKey(id),
  request: { scopes: SCOPES },
  range: { startSec: 0, endSec: 40_000 },
  facts,
});
await t.tasks.setReady(id, []);

let peak = 0;
const sample = () => {
  peak = Math.max(peak, process.memoryUsage.rss());
};
setInterval(sample, SAMPLE_INTERVAL_MS);
process.on('message', () => {
  sample();
  process.send?.(peak);
  peak = 0;
});
process.on('disconnect', async () => {
  await t[Symbol.asyncDispose]();
  process.exit();
});
const idleTimeoutMs = process.argv[2];
if (idleTimeoutMs !== undefined) t.app.server.setTimeout(Number(idleTimeoutMs));
await t.app.listen();
const { port } = t.app.server.address() as AddressInfo;
process.send?.({ url: `http://127.0.0.1:${port}/v1.3/embed-v2/tasks/${id}`, headers } satisfies LargeResult);

function rows(): EmbeddingRow[] {
  return Array.from({ length: SEGMENTS_PER_BLOCK }).flatMap((_, segment) =>
    OPTIONS.map((option, o) => {
      const raw = Float64Array.from({ length: 512 }, (_, i) => Math.sin((segment * 3 + o + 1) * (i + 1) * 1.7));
      const norm = Math.hypot(...raw);
      const embedding = Float32Array.from(raw, (x) => x / norm);
      return { segment, startSec: segment * 4, endSec: segment * 4 + 4, option, scope: 'clip', embedding };
    }),
  );
}
