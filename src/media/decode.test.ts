import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeMedia } from '../../test/support/make-media.ts';
import { decode } from './decode.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-decode-'));
after(() => rmSync(folder, { recursive: true }));

test('far from the last key frame there are signs of life all the way to the range', () => {
  // 192 pictures, of which x264 makes the first a key frame only.
  const path = makeMedia(join(folder, 'one-key-frame.mp4'), { video: 'testsrc=size=320x180:rate=24:duration=8' });
  const range = { startSec: 7, endSec: 8 };
  const events = [...decode({ path, range, sampled: { width: 16, height: 16, fit: 'stretch', perSecond: 2 } })];
  const skipped = events.filter((event) => event.type === 'skipped').map(({ timeSec }) => timeSec);
  assert.equal(skipped.length, 7 * 24);
  assert.ok(skipped.every((timeSec) => timeSec < range.startSec));
  const seen = events.flatMap((event) => (event.type === 'picture' ? [event.picture.timeSec] : []));
  assert.deepEqual(seen, [7, 7.5]);
});
