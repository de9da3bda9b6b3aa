import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import { readConfig } from '../src/config.ts';
import { isReelvecError } from '../src/errors.ts';
import type { MediaInfo } from '../src/media/info.ts';
import { mediaWorkers } from '../src/start/media-workers.ts';
import type { EmbedJob } from '../src/workers/protocol.ts';
import { WorkerLost } from '../src/workers/supervised-process.ts';
import { makeMedia } from './support/make-media.ts';
import { MUTATIONS, mutate } from './support/mutate.ts';
import { NO_REAL_MEDIA, REAL_MEDIA } from './support/real-media.ts';
import { randomFrom } from './support/seeded-random.ts';
import { childrenOf, isAlive, memoryOf, temporaryFolder, until } from './support/server.ts';

/** Damaged files. */
const FILE_COUNT = 300;
/** Media workers that embed them. */
const WORKERS = 3;
/** Time limit of each file, in milliseconds. */
const FILE_TIMEOUT_MS = 60_000;
/** Maximum size of an original file, in bytes. Larger ones take long and show nothing more. */
const MAX_FILE_BYTES = 800_000;
/** Range of each file that is embedded, in seconds. */
const RANGE_SEC = 3;
const MEGABYTE = 1024 ** 2;
/** Allowed growth of a worker's memory after its warm-up, in bytes: decoders keep pools, and the heap varies. */
const MAX_GROWTH_BYTES = 100 * MEGABYTE;

const seed = Number(process.env['REELVEC_TEST_SEED'] ?? Date.now() % 1_000_000);

/** Small files, of as many formats as there are. */
function material(folder: string): Buffer[] {
  if (NO_REAL_MEDIA !== undefined) {
    const video = 'testsrc2=size=320x180:rate=24:duration=5';
    const audio = 'sine=frequency=440:duration=5';
    const subtitles = [{ startSec: 1, endSec: 2, text: 'a line' }];
    return [
      makeMedia(join(folder, 'a.mp4'), { video, audio }),
      makeMedia(join(folder, 'a.mkv'), { video, audio, subtitles }),
      makeMedia(join(folder, 'a.ts'), { video, audio }),
      makeMedia(join(folder, 'a.flac'), { audio, audioCodec: FF_ENCODER_FLAC }),
    ].map((path) => readFileSync(path));
  }
  return ['odd', 'audio/speech', 'video']
    .flatMap((name) => readdirSync(join(REAL_MEDIA, name)).map((file) => join(REAL_MEDIA, name, file)))
    .filter((path) => statSync(path).size < MAX_FILE_BYTES && !/\.(csv|txt|srt|vtt|stm)$/.test(path))
    .sort()
    .map((path) => readFileSync(path));
}

test(`${FILE_COUNT} damaged files, seed ${seed}: each ends in a result or an error, and leaves nothing behind`, async () => {
  using temporary = temporaryFolder();
  const files = material(temporary.path);
  for (const name of readdirSync(temporary.path)) rmSync(join(temporary.path, name));
  // Workers would write their temporary files here.
  process.env['TMPDIR'] = temporary.path;
  const earlier = new Set(childrenOf(process.pid));
  const workers = () => childrenOf(process.pid).filter((pid) => !earlier.has(pid));
  const limits = { REELVEC_WORKER_MEMORY_MB: '1024', REELVEC_WORKER_SILENCE_SEC: String(FILE_TIMEOUT_MS / 2000) };
  const pool = mediaWorkers(readConfig(limits, {}), { size: WORKERS });
  const ends = { embedded: 0, refused: 0, lost: 0 };
  const faults: string[] = [];
  const memory = new Map<number, number[]>();

  const jobs = Array.from({ length: FILE_COUNT }, (_, number) => number);
  async function work(): Promise<void> {
    for (let number = jobs.shift(); number !== undefined; number = jobs.shift()) {
      const random = randomFrom(seed * FILE_COUNT + number);
      const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)]!;
      const how = pick(MUTATIONS);
      const path = join(temporary.path, String(number));
      writeFileSync(path, mutate(how, pick(files), pick(files), random));
      const started = performance.now();
      try {
        await embed(path, random);
        ends.embedded++;
      } catch (error) {
        if (isReelvecError(error)) ends.refused++;
        else if (error instanceof WorkerLost) {
          ends.lost++;
          console.log(`file ${number} (${how}) cost a worker: ${error.message} ${error.cause ?? ''}`.slice(0, 500));
        } else faults.push(`file ${number} (${how}): ${(error as Error).stack}`.slice(0, 500));
      } finally {
        rmSync(path);
      }
      const tookMs = performance.now() - started;
      if (tookMs > FILE_TIMEOUT_MS) faults.push(`file ${number} (${how}) took ${tookMs} ms`);
      for (const pid of workers()) memory.set(pid, [...(memory.get(pid) ?? []), memoryOf(pid)]);
    }
  }

  async function embed(path: string, random: () => number): Promise<void> {
    const signal = AbortSignal.timeout(FILE_TIMEOUT_MS);
    const media = await pool.run<'probe'>({ kind: 'probe', path }, { signal });
    const job = jobOn(path, media, random);
    if (!job) return;
    const { segments, vectors } = await pool.run<'embed'>({ kind: 'embed', ...job }, { signal });
    assert.ok(segments.length > 0);
    for (const list of Object.values(vectors)) {
      assert.equal(list.length, segments.length);
      for (const vector of list) {
        if (vector) assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-4, 'finite and normalised');
      }
    }
  }

  try {
    await Promise.all(Array.from({ length: WORKERS }, work));
    console.log(`seed ${seed}: ${ends.embedded} embedded, ${ends.refused} refused, ${ends.lost} workers lost`);
    assert.equal(faults.length, 0, `seed ${seed}:\n${faults.slice(0, 10).join('\n')}`);
    for (const [pid, sizes] of memory) {
      const early = Math.max(...sizes.slice(0, Math.ceil(sizes.length / 3)));
      const late = sizes.at(-1)!;
      console.log(
        `worker ${pid}: ${Math.round(early / MEGABYTE)} MB at first, ${Math.round(late / MEGABYTE)} MB at the end`,
      );
      assert.ok(late - early < MAX_GROWTH_BYTES, 'memory does not grow without bound');
    }
    // The pool works as before.
    const sound = join(temporary.path, 'sound');
    writeFileSync(sound, files.find((file) => file.subarray(0, 4).toString('latin1') === 'fLaC')!);
    assert.equal((await pool.run<'probe'>({ kind: 'probe', path: sound })).audio?.codec, 'flac');
    rmSync(sound);
    assert.deepEqual(readdirSync(temporary.path), []);
  } finally {
    const pids = workers();
    await pool[Symbol.asyncDispose]();
    await until(() => !pids.some(isAlive), 5000, 'the workers are gone');
  }
});

/** Job for a few seconds somewhere in the file with every option that it can serve; undefined if it can serve none. */
function jobOn(path: string, media: MediaInfo, random: () => number): EmbedJob | undefined {
  const options: EmbedJob['options'][number][] = [
    ...(media.video ? (['visual'] as const) : []),
    ...(media.audio ? (['audio'] as const) : []),
    ...(media.subtitles ? (['transcription'] as const) : []),
  ];
  if (options.length === 0 || !(media.durationSec > 0)) return undefined;
  const startSec = random() < 0.5 ? 0 : Math.floor(random() * Math.min(media.durationSec, 15));
  const endSec = Math.min(startSec + RANGE_SEC, media.durationSec);
  const isDynamic = media.video !== undefined && random() < 0.5;
  return {
    path,
    range: { startSec, endSec },
    segmentation: isDynamic
      ? { strategy: 'dynamic', minDurationSec: 1, maxDurationSec: 10 }
      : { strategy: 'fixed', durationSec: 1 },
    options,
  };
}
