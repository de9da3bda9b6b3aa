import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openBundle } from '../src/encode/bundles.ts';
import { probe } from '../src/media/probe.ts';
import { embedChunk } from '../src/pipeline/embed-chunk.ts';
import { chunkRows } from '../src/tasks/embedding.ts';
import { reportOf, resultWarnings } from '../src/tasks/warnings.ts';
import { NO_REAL_MEDIA, REAL_MEDIA } from './support/real-media.ts';

/** Files that failed in the field, with the right values. */
const folder = join(REAL_MEDIA, 'field');
describe('files from the field', { skip: NO_REAL_MEDIA }, field);

function field(): void {
  const path = (name: string) => join(folder, name);

  async function embed(name: string) {
    const { durationSec, video, audio } = probe(path(name));
    const options = [...(video ? (['visual'] as const) : []), ...(audio ? (['audio'] as const) : [])];
    const range = { startSec: 0, endSec: durationSec };
    const segmentation = { strategy: 'fixed', durationSec: 6 } as const;
    const chunk = await embedChunk(
      { path: path(name), range, segmentation, options },
      await openBundle('signal'),
      () => {},
    );
    return { chunk, warnings: resultWarnings([reportOf(chunk, chunkRows(chunk))], options) };
  }

  test('durations are those of the packets', () => {
    const durations: Record<string, number> = {
      'k02_subtitle_to_10h.mkv': 18,
      'k03_segment_start12s.mkv': 6.08,
      'k03_start_1700000s.mkv': 18,
      'k20_one_bad_timestamp.mkv': 18,
    };
    for (const [name, sec] of Object.entries(durations)) {
      const { durationSec } = probe(path(name));
      assert.ok(Math.abs(durationSec - sec) < 0.05, `${name}: ${durationSec} s`);
    }
  });

  test('pictures after an absurd timestamp are decoded', async () => {
    const { chunk, warnings } = await embed('k20_one_bad_timestamp.mkv');
    assert.ok(chunk.vectors.visual!.every(Boolean));
    assert.deepEqual(warnings, []);
  });

  test('long pictures and empty packets are not damage or truncation', async () => {
    for (const name of ['k04_hold_300s.mp4', 'k04_last_picture_12s_with_sound.mp4', 'k07_theora_dup_frames.ogv']) {
      const { chunk, warnings } = await embed(name);
      assert.ok(chunk.vectors.visual!.every(Boolean), name);
      assert.deepEqual(warnings, [], name);
    }
  });

  test('concealed pictures are reported with their time', async () => {
    const { warnings } = await embed('k21_patched_up.mp4');
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /^The media is damaged: this affects the pictures at 1\.\d+–9\.58 s\.$/);
  });
}
