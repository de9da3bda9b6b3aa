/**
 * Search of speech by paraphrase with real models: a film of real speech is embedded by a real server, and each query, which
 * shares hardly a word with what is said, should rank a segment of its passage first.
 *
 *   node bench/real-weights/paraphrases.ts BUNDLE.json
 *
 * The bundle has `transcription`, `textQueries` and `speech`. bundle.json beside this script is one for all-MiniLM-L6-v2 and
 * Whisper base.
 */
import { execFileSync } from 'node:child_process';
import { basename, join, resolve } from 'node:path';
import { hostFiles } from '../../test/support/file-host.ts';
import { KEY, startServer, temporaryFolder } from '../../test/support/server.ts';
import { asking, createTask, ready } from '../../test/support/tasks.ts';
import { MEDIA_DIR } from '../media.ts';

/** Recordings of the film, one after the other, and queries for each. */
const PASSAGES: Readonly<Record<string, readonly string[]>> = {
  'jfk.wav': ['serving the nation instead of expecting favours from it'],
  'librivox_austen_0870.wav': ['how large a sum of money could he sensibly give away?'],
  'librivox_austen_0880.wav': ['the fellow was not mean by nature'],
  'librivox_austen_0890.wav': ['an unfeeling and egoistic character'],
  'sonnet1_en.mp3': [
    'offspring keep loveliness alive',
    'being your own worst enemy',
    'eating up what belongs to everybody else',
  ],
  'two_speakers_phone.wav': ['two women tell each other where they grew up', 'a nickname for people from the north'],
  'watson_en-US_1.wav': ['how computers may become smarter by themselves', 'an interview guest is welcomed'],
};
/** Time before the first word of a recording, in seconds, where it is long. */
const SILENCE_BEFORE_SEC: Readonly<Record<string, number>> = { 'two_speakers_phone.wav': 6.7 };
const SEGMENT_SEC = 6;
/** Part of a segment that must be in a passage for the segment to be one of its, in seconds. */
const MIN_OVERLAP_SEC = 2;
const PICTURES = join(MEDIA_DIR, 'video/bbb_first216s_640x360.mp4');

interface Item {
  readonly embedding: number[];
  readonly start_sec: number;
  readonly end_sec: number;
}

const [bundle] = process.argv.slice(2);
if (!bundle) throw new Error('usage: node bench/real-weights/paraphrases.ts BUNDLE.json');

using folder = temporaryFolder();
const film = makeFilm();
await using host = await hostFiles(folder.path);
await using server = await startServer({
  dataDir: join(folder.path, 'data'),
  env: { REELVEC_BUNDLE: resolve(bundle), REELVEC_DEVICE: 'cpu' },
});
const segments = await embedFilm();
let [firsts, reciprocals, count] = [0, 0, 0];
for (const { startSec, endSec, queries } of film.passages) {
  for (const query of queries) {
    const vector = await embedQuery(query);
    const ranked = segments.toSorted((a, b) => cosine(b.embedding, vector) - cosine(a.embedding, vector));
    const rank = ranked.findIndex((segment) => isIn(segment, { startSec, endSec })) + 1;
    const best = ranked[0]!;
    console.log(
      `rank ${rank}: "${query}" (${startSec.toFixed(0)} to ${endSec.toFixed(0)} s); first is ` +
        `${best.start_sec.toFixed(0)} to ${best.end_sec.toFixed(0)} s, cosine ${cosine(best.embedding, vector).toFixed(2)}`,
    );
    if (rank === 1) firsts++;
    reciprocals += 1 / rank;
    count++;
  }
}
console.log(`${firsts} of ${count} first, mean reciprocal rank ${(reciprocals / count).toFixed(2)}`);

/** True if enough of a segment is in a passage. */
function isIn({ start_sec, end_sec }: Item, { startSec, endSec }: { startSec: number; endSec: number }): boolean {
  return Math.min(end_sec, endSec) - Math.max(start_sec, startSec) >= MIN_OVERLAP_SEC;
}

/** Film of the recordings with the pictures of another film. */
function makeFilm() {
  const recordings = Object.entries(PASSAGES).map(([name, queries]) => ({
    path: join(MEDIA_DIR, 'audio/speech', name),
    queries,
  }));
  const path = join(folder.path, 'film.mp4');
  const inputs = recordings.flatMap((recording) => ['-i', recording.path]);
  const sounds = recordings.map((_, i) => `[${i + 1}:a]aresample=44100,aformat=channel_layouts=mono[a${i}]`);
  const joined = `${recordings.map((_, i) => `[a${i}]`).join('')}concat=n=${recordings.length}:v=0:a=1[a]`;
  const graph = ['-filter_complex', [...sounds, joined].join(';'), '-map', '0:v', '-map', '[a]'];
  execFileSync('ffmpeg', ['-v', 'error', '-i', PICTURES, ...inputs, ...graph, '-c:v', 'copy', '-shortest', path]);
  let endSec = 0;
  const passages = recordings.map(({ path, queries }) => {
    const startSec = endSec + (SILENCE_BEFORE_SEC[basename(path)] ?? 0);
    endSec += durationSec(path);
    return { startSec, endSec, queries };
  });
  return { passages };
}

function durationSec(path: string): number {
  return Number(execFileSync('ffprobe', ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', path]));
}

async function embedFilm(): Promise<Item[]> {
  const segmentation = { strategy: 'fixed', fixed: { duration_sec: SEGMENT_SEC } };
  const options = { segmentation, embedding_option: ['transcription'], embedding_scope: ['clip'] };
  const id = await createTask(server, asking('video', { url: `${host.url}/film.mp4` }, options));
  const { data, warnings } = await ready(server, id, 3_600_000);
  for (const warning of warnings) console.log(`warning: ${warning}`);
  return (JSON.parse(`{${data}`) as { data: Item[] }).data;
}

async function embedQuery(input_text: string): Promise<number[]> {
  const response = await fetch(`${server.url}/embed-v2`, {
    method: 'POST',
    headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
    body: JSON.stringify({ input_type: 'text', model_name: 'marengo3.0', text: { input_text } }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`no vector: ${response.status} ${text}`);
  return (JSON.parse(text) as { data: [{ embedding: number[] }] }).data[0].embedding;
}

/** Dot product: all vectors have norm 1. */
function cosine(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
