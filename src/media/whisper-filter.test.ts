import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AV_LOG_QUIET } from 'node-av/constants';
import { Log } from 'node-av/lib';
import { writeWhisperModel } from '../../test/support/whisper-model.ts';
import { WHISPER_RATE, WhisperFilter } from './whisper-filter.ts';

Log.setLevel(AV_LOG_QUIET);
const folder = mkdtempSync(join(tmpdir(), 'reelvec-filter-'));
after(() => rmSync(folder, { recursive: true }));

const model = writeWhisperModel(join(folder, 'it’s a model: 1.bin'), [
  { startSec: 0, endSec: 2, words: ['say', '"tran|scribed"', 'text'] },
  { startSec: 2.5, endSec: 5, words: ['and', 'more'] },
]);
const options = { model, language: 'en', gpu: 'never', threads: 1 } as const;
const tone = (sec: number) => Float32Array.from({ length: sec * WHISPER_RATE }, (_, i) => Math.sin(i / 9) / 4);
/** Times in seconds and words of the output lines. */
const said = (filter: WhisperFilter) =>
  [...filter.output().matchAll(/^\{"start":(\d+),"end":(\d+),"text":"(.*)"\}$/gm)].map(
    ([, start, end, text]) => `${Number(start) / 1000} ${Number(end) / 1000} ${text}`,
  );

test('each line has one whole word with its time in the file', async () => {
  using filter = await WhisperFilter.open(options);
  await filter.transcribe(100, tone(5));
  await filter.finish();
  const lines = said(filter);
  assert.deepEqual(
    lines.map((line) => line.split(' ').slice(2).join(' ')),
    ['say', '"transcribed"', 'text', 'and', 'more'],
  );
  const times = lines.map((line) => line.split(' ').slice(0, 2).map(Number));
  assert.equal(times[0]![0], 100);
  assert.equal(times.at(-1)![1], 105);
  assert.ok(times.every(([start, end], i) => start! <= end! && (i === 0 || start! >= times[i - 1]![1]! - 0.01)));
});

test('`startsNewWindow` tells exactly when a piece is transcribed separately', async () => {
  using filter = await WhisperFilter.open(options);
  assert.ok(filter.startsNewWindow(1));
  await filter.transcribe(0, tone(20));
  assert.ok(!filter.startsNewWindow(10 * WHISPER_RATE));
  assert.ok(filter.startsNewWindow(10 * WHISPER_RATE + 1));
  assert.equal(filter.output(), '');
  await filter.transcribe(50, tone(11));
  assert.ok(said(filter).every((line) => Number(line.split(' ')[1]) <= 20));
  await filter.transcribe(90, tone(31)); // truncated to a window, and transcribed at once
  assert.ok(filter.startsNewWindow(1));
  assert.match(said(filter).at(-1)!, /^11\d/);
});

test('transcription does not block this thread', async () => {
  using filter = await WhisperFilter.open(options);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await filter.transcribe(0, tone(29));
  await filter.finish();
  clearInterval(timer);
  assert.ok(turns > 10, `${turns} turns`);
});

test('the temporary folder is empty afterwards', async () => {
  using filter = await WhisperFilter.open(options);
  await filter.transcribe(0, tone(1));
  assert.deepEqual(
    readdirSync(tmpdir()).filter((name) => name.startsWith('reelvec-whisper-')),
    [],
  );
});

test('a file that is not a model is refused by name', async () => {
  const path = join(folder, 'text.bin');
  writeFileSync(path, 'This is no model.');
  await assert.rejects(WhisperFilter.open({ ...options, model: path }), /model .*text\.bin could not be loaded/);
});

test('a required but missing GPU is an error', async (t) => {
  try {
    using filter = await WhisperFilter.open({ ...options, gpu: 'must' });
    t.skip(`there is a GPU, and it loads the model: ${filter.output() === ''}`);
  } catch (error) {
    assert.match(String(error), /found no GPU.*REELVEC_DEVICE/);
  }
});
