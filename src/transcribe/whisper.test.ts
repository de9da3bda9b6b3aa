import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AV_LOG_QUIET } from 'node-av/constants';
import { Log } from 'node-av/lib';
import { writeWhisperModel } from '../../test/support/whisper-model.ts';
import { WHISPER_RATE } from '../media/whisper-filter.ts';
import { Whisper } from './whisper.ts';

Log.setLevel(AV_LOG_QUIET);
const folder = mkdtempSync(join(tmpdir(), 'reelvec-whisper-test-'));
after(() => rmSync(folder, { recursive: true }));
const WORDS = ['ask', 'not', 'what', 'your', 'country', 'can', 'do', 'for', 'you', 'fellow', 'citizens', 'today'];

/** Times at which a model, which repeats its twelve words, starts again in twelve seconds with a pause from 5.4 to 5.7 s. */
async function startsOf(cycleSec: number): Promise<number[]> {
  const lines = [{ startSec: 0, endSec: cycleSec, words: WORDS }];
  const model = writeWhisperModel(join(folder, `${cycleSec}.bin`), lines);
  const samples = Float32Array.from({ length: 12 * WHISPER_RATE }, (_, i) => {
    const sec = i / WHISPER_RATE;
    return sec > 5.4 && sec < 5.7 ? 0 : Math.sin(i / 9) / 4;
  });
  using whisper = new Whisper({ model, language: 'en', gpu: 'never', threads: 1 });
  await whisper.transcribe(0, samples);
  const words = await whisper.words();
  return words.flatMap(({ text, startSec }) => (text === WORDS[0] ? [startSec] : []));
}

test('a window whose text repeats itself is transcribed again, in halves that meet in a pause', async () => {
  const starts = await startsOf(3);
  assert.ok(
    starts.some((sec) => sec > 5.4 && sec < 5.75),
    starts.join(),
  );
});

test('a window with a slow refrain is transcribed once', async () => {
  assert.deepEqual(await startsOf(6), [0, 6]);
});
