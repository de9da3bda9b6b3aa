import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import { openBundle } from '../src/encode/bundles.ts';
import { probe } from '../src/media/probe.ts';
import { embedChunk } from '../src/pipeline/embed-chunk.ts';
import { planChunks } from '../src/tasks/plan.ts';
import type { EmbedJob } from '../src/workers/protocol.ts';
import { loopMedia } from './support/loop-media.ts';
import { cutsBetween, makeMedia } from './support/make-media.ts';
import { NO_REAL_MEDIA, REAL_MEDIA } from './support/real-media.ts';

const FIXED = { strategy: 'fixed', durationSec: 6 } as const;
const DYNAMIC = { strategy: 'dynamic', minDurationSec: 2, maxDurationSec: 10 } as const;
/** Lengths of chunks in seconds. They stand for chunks of 1, 3 and 10 minutes; the media are ten times as short. */
const CHUNKS_SEC = [6, 18, 60];

const bundle = await openBundle('signal');
const folder = mkdtempSync(join(tmpdir(), 'reelvec-chunks-'));
after(() => rmSync(folder, { recursive: true }));

const round = makeMedia(join(folder, 'round.mp4'), {
  video: cutsBetween(['testsrc2', 'smptebars', 'mandelbrot', 'rgbtestsrc', 'yuvtestsrc'], {
    size: '480x360',
    secondsEach: 4.2,
  }),
  audio: 'aevalsrc=sin(300*t*t):duration=21:sample_rate=48000',
  // Not AAC: FFmpeg's encoder signals noise substitution, and the decoder's noise depends on where decoding began.
  audioCodec: FF_ENCODER_FLAC,
});
const made = loopMedia(join(folder, 'made.mp4'), { of: round, times: 4, everySec: 21.5 });
compareLengths('made media', made, CHUNKS_SEC);
compareLengths('real media', join(REAL_MEDIA, 'video/bbb_first216s_640x360.mp4'), [30, 90, 300], NO_REAL_MEDIA);

function compareLengths(name: string, path: string, chunksSec: readonly number[], skip?: string): void {
  test(`${name}: fixed segments have the same vectors for any chunk length`, { skip }, async () => {
    const [longest, ...others] = await Promise.all(chunksSec.toReversed().map((sec) => embed(path, FIXED, sec)));
    for (const other of others) assert.deepEqual([...other.keys()], [...longest!.keys()]);
    for (const other of others) assert.deepEqual(differing(other, longest!), []);
  });

  test(`${name}: dynamic segments differ only around the edges of chunks`, { skip }, async () => {
    const range = rangeOf(path);
    const longest = await embed(path, DYNAMIC, chunksSec.at(-1)!);
    for (const chunkSec of chunksSec.slice(0, -1)) {
      const edges = [...planChunks(range, DYNAMIC, chunkSec), ...planChunks(range, DYNAMIC, chunksSec.at(-1)!)];
      const near = (at: number) => edges.some(({ startSec }) => Math.abs(at - startSec) <= 2 * DYNAMIC.maxDurationSec);
      const other = await embed(path, DYNAMIC, chunkSec);
      const far = differing(other, longest).filter((key) => !key.split('–').map(Number).every(near));
      assert.deepEqual(far, [], `chunks of ${chunkSec} s`);
    }
  });
}

function rangeOf(path: string) {
  return { startSec: 0, endSec: probe(path).durationSec };
}

/** The vectors of every segment as bytes, by the segment's times. */
async function embed(
  path: string,
  segmentation: EmbedJob['segmentation'],
  chunkSec: number,
): Promise<Map<string, string>> {
  const vectors = new Map<string, string>();
  for (const range of planChunks(rangeOf(path), segmentation, chunkSec)) {
    const chunk = await embedChunk({ path, range, segmentation, options: ['visual', 'audio'] }, bundle, () => {});
    chunk.segments.forEach(({ startSec, endSec }, i) => {
      const parts = (['visual', 'audio'] as const).map((option) => chunk.vectors[option]?.[i] ?? new Float32Array());
      const bytes = Buffer.concat(
        parts.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
      );
      vectors.set(`${startSec}–${endSec}`, bytes.toString('base64'));
    });
  }
  return vectors;
}

/** Segments that the other result lacks, or has with other vectors. */
function differing(result: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): string[] {
  return [...result].filter(([key, bytes]) => other.get(key) !== bytes).map(([key]) => key);
}
