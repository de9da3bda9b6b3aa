import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeMedia } from '../../test/support/make-media.ts';
import { writeWhisperModel } from '../../test/support/whisper-model.ts';
import type { Bundle, TextClip } from '../encode/encoder.ts';
import { createSignalBundle } from '../encode/signal/bundle.ts';
import type { EmbedJob } from '../workers/protocol.ts';
import { embedChunk } from './embed-chunk.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-speech-'));
after(() => rmSync(folder, { recursive: true }));

/** Fake Whisper model that returns eleven words per twelve seconds for any sound. */
const model = writeWhisperModel(join(folder, 'model.bin'), [
  { startSec: 0, endSec: 6, words: ['Sur', 'le', 'pont', "d'|Avignon"] },
  { startSec: 6, endSec: 12, words: ['on', 'y', 'danse', 'tous', '"en"', 'rond', 'là'] },
]);

/** Texts of a job's segments, by segment start. */
async function textsOf(job: Omit<EmbedJob, 'segmentation' | 'options'>): Promise<Record<number, string>> {
  const texts: Record<number, string> = {};
  const { transcription, ...signal } = createSignalBundle();
  const bundle: Bundle = {
    ...signal,
    transcription: {
      ...transcription,
      encode: (clips: readonly TextClip[], options) => {
        for (const { startSec, text } of clips) texts[startSec] = text;
        return transcription.encode(clips, options);
      },
    },
    speech: { kind: 'whisper', file: async () => model, language: 'auto', device: 'cpu', threads: 1 },
  };
  const segmentation = { strategy: 'fixed', durationSec: 6 } as const;
  await embedChunk({ ...job, segmentation, options: ['transcription'] }, bundle, () => {});
  return texts;
}

const wordsIn = (texts: Record<number, string>) => Object.values(texts).join(' ').split(' ').length;

test('words are divided among the segments by their times', async () => {
  const path = makeMedia(join(folder, 'short.mkv'), { audio: 'sine=frequency=300:duration=18' });
  const texts = await textsOf({ path, range: { startSec: 0, endSec: 18 }, listens: true });
  const [first, second] = ["Sur le pont d'Avignon", 'on y danse tous "en" rond là'];
  assert.deepEqual(texts, { 0: first, 6: second, 12: first });
});

test('chunks have the words of the whole: none is lost or repeated at their edges', async () => {
  // A tone with irregular pauses, so that the cuts are at irregular times.
  const audio = 'sine=frequency=300:duration=84,volume=eval=frame:volume=gt(sin(t*1.3)\\,-0.7)';
  const path = makeMedia(join(folder, 'long.mkv'), { audio });
  const whole = await textsOf({ path, range: { startSec: 0, endSec: 84 }, listens: true });
  const parts = await Promise.all(
    [0, 24, 60].map((startSec, i, all) =>
      textsOf({ path, range: { startSec, endSec: all[i + 1] ?? 84 }, listens: true }),
    ),
  );
  assert.equal(Object.keys(whole).length, 14);
  assert.deepEqual(Object.assign({}, ...parts), whole);
});

test('silence and inaudible noise have no words', async () => {
  for (const audio of ['anullsrc=r=48000:cl=mono:d=12', 'anoisesrc=amplitude=0.0004:duration=12']) {
    const path = makeMedia(join(folder, 'silence.mkv'), { audio });
    assert.deepEqual(await textsOf({ path, range: { startSec: 0, endSec: 12 }, listens: true }), {});
  }
});

test('words that the model hallucinates in silence after sound are dropped', async () => {
  const audio = 'sine=frequency=300:duration=70,volume=eval=frame:volume=lt(mod(t\\,60)\\,6)';
  const path = makeMedia(join(folder, 'sparse.mkv'), { audio });
  const texts = await textsOf({ path, range: { startSec: 0, endSec: 70 }, listens: true });
  assert.ok(wordsIn({ 0: texts[0]!, 60: texts[60]! }) >= 8, JSON.stringify(texts));
  // At the edge a word may start with the last audible step.
  for (const [startSec, text] of Object.entries(texts)) {
    assert.ok(Number(startSec) % 60 === 0 || (Number(startSec) % 60 === 6 && text.split(' ').length <= 2), text);
  }
});

test('words that the model dates in a long pause are kept', async () => {
  const audio = 'sine=frequency=300:duration=12,volume=eval=frame:volume=lt(mod(t\\,9)\\,3)';
  const path = makeMedia(join(folder, 'pause.mkv'), { audio });
  const texts = await textsOf({ path, range: { startSec: 0, endSec: 12 }, listens: true });
  assert.match(Object.values(texts).join(' '), /^Sur le pont d'Avignon/);
});

test('pictures do not change the transcription', async () => {
  const audio = 'sine=frequency=300:duration=40';
  const plain = makeMedia(join(folder, 'plain.mkv'), { audio });
  const film = makeMedia(join(folder, 'film.mkv'), { audio, video: 'testsrc=size=320x240:rate=10:duration=40' });
  const range = { startSec: 12, endSec: 36 };
  assert.deepEqual(
    await textsOf({ path: film, range, listens: true }),
    await textsOf({ path: plain, range, listens: true }),
  );
});

test('with a text track the sound is not transcribed', async () => {
  const subtitles = [{ startSec: 1, endSec: 3, text: 'written down' }];
  const path = makeMedia(join(folder, 'titled.mkv'), { audio: 'sine=frequency=300:duration=12', subtitles });
  assert.deepEqual(await textsOf({ path, range: { startSec: 0, endSec: 12 } }), { 0: 'written down' });
});
