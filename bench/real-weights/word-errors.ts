/**
 * Word error rate of speech recognition: recordings of the test media through the whole pipeline (decoding, windows, FFmpeg's
 * whisper filter, assignment to segments), against their transcripts.
 *
 *   node bench/real-weights/word-errors.ts MODEL.bin [LANGUAGE]
 *
 * MODEL.bin is a Whisper model in ggml format; convert-whisper.ts makes one of CTranslate2's. LANGUAGE is `auto` by default.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bundle, TextClip } from '../../src/encode/encoder.ts';
import { createSignalBundle } from '../../src/encode/signal/bundle.ts';
import { probe } from '../../src/media/probe.ts';
import { embedChunk } from '../../src/pipeline/embed-chunk.ts';
import { MEDIA_DIR } from '../media.ts';
import { percent } from '../report.ts';

/** Recordings with a complete transcript, and its file. */
const TRANSCRIBED: Readonly<Record<string, string>> = {
  'audio/speech/jfk.wav': 'audio/speech/jfk.txt',
  'audio/speech/jfk.flac': 'audio/speech/jfk.txt',
  'audio/speech/jfk.mp3': 'audio/speech/jfk.txt',
  'audio/speech/librivox_austen_0870.wav': 'audio/speech/librivox_austen_0870.txt',
  'audio/speech/librivox_austen_0880.wav': 'audio/speech/librivox_austen_0880.txt',
  'audio/speech/librivox_austen_0890.wav': 'audio/speech/librivox_austen_0890.txt',
  'audio/speech/sonnet1_en.mp3': 'audio/speech/sonnet1_en.txt',
  'audio/speech/two_speakers_phone.wav': 'audio/speech/two_speakers_phone.stm',
  'video/friday_speech_640x480.mp4': 'video/friday_speech_640x480.vtt',
  'video/tos_speech_640x360.ts': 'video/tos_speech_640x360.srt',
};
/** Recordings of which only some words are known. */
const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  'audio/speech/watson_en-US_1.wav': ['IBM', 'admired', 'AI', 'transformations', 'cognitive'],
  'audio/speech/watson_es-ES_1.wav': ['Roberto', 'Pedro'],
  'audio/speech/watson_ja-JP_1.wav': ['音声認識', 'ディープラーニング', '技術'],
};
const SEGMENT_SEC = 6;

const [model, language = 'auto'] = process.argv.slice(2);
if (!model) throw new Error('usage: node bench/real-weights/word-errors.ts MODEL.bin [LANGUAGE]');

const total = { errors: 0, words: 0 };
for (const [recording, transcript] of Object.entries(TRANSCRIBED)) {
  const { text, cpuSec, sec } = await transcribe(join(MEDIA_DIR, recording));
  const wanted = wordsOf(transcriptText(join(MEDIA_DIR, transcript)));
  const errors = editDistance(wanted, wordsOf(text));
  total.errors += errors;
  total.words += wanted.length;
  console.log(
    `${percent(errors / wanted.length).padStart(7)}  ${recording}: ${errors} of ${wanted.length} words, ${speed()}`,
  );
  if (errors > 0) console.log(`         ${text}`);

  function speed(): string {
    return `${(cpuSec / sec).toFixed(2)} s of processor time a second`;
  }
}
console.log(`word error rate: ${total.errors} of ${total.words}, ${percent(total.errors / total.words)}`);
for (const [recording, keywords] of Object.entries(KEYWORDS)) {
  const { text } = await transcribe(join(MEDIA_DIR, recording));
  const found = keywords.filter((word) => text.toLowerCase().includes(word.toLowerCase()));
  console.log(`${recording}: ${found.length} of ${keywords.length} keywords\n         ${text}`);
}

/** Text of all segments of a file, in order, and processor time. */
async function transcribe(path: string): Promise<{ text: string; sec: number; cpuSec: number }> {
  const texts: string[] = [];
  const { transcription, ...signal } = createSignalBundle();
  const bundle: Bundle = {
    ...signal,
    transcription: {
      ...transcription,
      encode: (clips: readonly TextClip[], options) => {
        texts.push(...clips.map(({ text }) => text));
        return transcription.encode(clips, options);
      },
    },
    speech: { kind: 'whisper', file: async () => model!, language, device: 'cpu', threads: 1 },
  };
  const { durationSec: sec } = probe(path);
  const started = process.cpuUsage();
  await embedChunk(
    {
      path,
      range: { startSec: 0, endSec: sec },
      segmentation: { strategy: 'fixed', durationSec: SEGMENT_SEC },
      options: ['transcription'],
      listens: true,
    },
    bundle,
    () => {},
  );
  const { user, system } = process.cpuUsage(started);
  return { text: texts.join(' '), sec, cpuSec: (user + system) / 1e6 };
}

/** Spoken text of a transcript: plain text, subtitles, or lines of NIST's STM. */
function transcriptText(path: string): string {
  const text = readFileSync(path, 'utf8');
  if (path.endsWith('.txt')) return text;
  const lines = text.split(/\r?\n/);
  if (path.endsWith('.stm')) return lines.map((line) => line.split(' ').slice(5).join(' ')).join(' ');
  return lines.filter((line) => !/^(WEBVTT|\d+)?$|-->/.test(line)).join(' ');
}

/** Words in lower case without punctuation, "Mr" written out as the transcripts do. */
function wordsOf(text: string): string[] {
  const words =
    text
      .toLowerCase()
      .replaceAll('’', "'")
      .match(/[\p{L}\p{N}']+/gu) ?? [];
  return words.map((word) => ({ mr: 'mister', one: '1', okay: 'ok' })[word] ?? word);
}

/** Number of insertions, deletions and substitutions between two lists of words (Levenshtein, 1966). */
function editDistance(a: readonly string[], b: readonly string[]): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, word] of a.entries()) {
    const next = [i + 1];
    for (const [j, other] of b.entries()) {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (word === other ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1)!;
}
