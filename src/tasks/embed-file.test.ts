import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VIDEO } from '../../test/support/media-info.ts';
import { MemoryBlobStore } from '../../test/support/memory-blobs.ts';
import type { BundleInfo } from '../encode/encoder.ts';
import { RECOMMENDED_BUNDLE, recommendedDownload } from '../encode/recommended.ts';
import type { RunOptions, WorkerPool } from '../workers/pool.ts';
import type { EmbeddedChunk, EmbedJob } from '../workers/protocol.ts';
import { type EmbedFileOptions, embedFile } from './embed-file.ts';
import type { TaskRequest } from './request.ts';
import { readResult } from './results/results.ts';

const request: TaskRequest = {
  inputType: 'video',
  modelName: 'marengo3.0',
  source: { kind: 'file' },
  startSec: 0,
  segmentation: { strategy: 'fixed', durationSec: 6 },
  options: ['visual', 'transcription'],
  scopes: ['clip'],
};
const bundle = {
  name: 'signal',
  revision: '1',
  spaces: { visual: 'v', transcription: 't' },
  transcribesSpeech: false,
} as unknown as BundleInfo;

function unit(axis: number): Float32Array {
  const vector = new Float32Array(512);
  vector[axis] = 1;
  return vector;
}

/** A worker that makes one segment of each chunk, whose vector names the chunk's start. */
const workers = {
  run: async ({ range, path }: EmbedJob, { onProgress }: RunOptions): Promise<EmbeddedChunk> => {
    assert.equal(path, '/film.mp4');
    onProgress?.((range.endSec - range.startSec) / 2);
    onProgress?.(range.endSec - range.startSec);
    return {
      segments: [range],
      vectors: { visual: [unit(range.startSec)] },
      damages: 0,
      damaged: {},
      missingSec: { visual: 0 },
    };
  },
} as unknown as WorkerPool;

async function embed(more: Partial<EmbedFileOptions> = {}) {
  const blobs = new MemoryBlobStore();
  const progress: [number, number][] = [];
  const result = await embedFile({
    path: '/film.mp4',
    media: { ...VIDEO, durationSec: 400 },
    limits: { maxVideoBytes: 4_000_000, maxAudioBytes: 2_000_000 },
    maxSegmentSec: 10,
    resultKey: 'result',
    onProgress: (fraction, doneSec) => progress.push([fraction, doneSec]),
    ...{ request, bundle, workers, blobs },
    ...more,
  });
  const rows = (await Array.fromAsync(readResult(blobs, 'result'))).flat();
  return { result, progress, blobs, rows };
}

test('a file is embedded in the chunks of a task, and the answer describes its result', async () => {
  const { result, rows, blobs } = await embed();
  assert.deepEqual(result, {
    range: { startSec: 0, endSec: 400 },
    transcriptionSource: undefined,
    warnings: [
      'The media has no text track that could be read, and the bundle "signal" does not understand speech: ' +
        `there are no transcription embeddings. To transcribe speech, run \`reelvec models use ${RECOMMENDED_BUNDLE}\` on the ` +
        `server, which downloads ${recommendedDownload()} of models, and restart it.`,
    ],
  });
  assert.deepEqual(
    rows.map(({ segment, startSec, endSec, option, embedding }) => [segment, startSec, endSec, option, embedding]),
    [
      [0, 0, 198, 'visual', unit(0)],
      [1, 198, 400, 'visual', unit(198)],
    ],
  );
  assert.deepEqual([...blobs.blobs.keys()].sort(), ['chunks/0.arrow', 'chunks/1.arrow', 'result']);
});

test('progress is of the whole range, over all chunks', async () => {
  const { progress } = await embed({ request: { ...request, startSec: 200 } });
  assert.deepEqual(progress.at(-1), [1, 200]);
  assert.ok(progress.every(([fraction, doneSec]) => fraction === doneSec / 200));
  const { progress: ofTwo } = await embed();
  assert.deepEqual(
    ofTwo
      .map(([, doneSec]) => doneSec)
      .sort((a, b) => a - b)
      .at(-1),
    400,
  );
  assert.equal(ofTwo.length, 4);
});

test('the default duration limits are those of a task', async () => {
  const short = { ...VIDEO, durationSec: 3 };
  await assert.rejects(embed({ media: short }), { code: 'video_duration_too_short' });
  const { rows } = await embed({ media: short, duration: { minSec: 0, maxSec: 60 } });
  assert.equal(rows.length, 1);
  await assert.rejects(embed({ duration: { minSec: 0, maxSec: 120 } }), {
    code: 'video_duration_too_long',
    message: /allowed are at most 2 min\. Cut it/,
  });
});
