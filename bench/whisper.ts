/**
 * Cost of speech recognition with models of Whisper's real sizes: loading the model, once per chunk, against
 * transcribing a window of 30 s; memory; one thread against two. Figures are processor time, so that other work on the
 * machine hardly counts. The models are generated and untrained, but need the same number of multiplications, and
 * produce some three tokens per second, as speech does.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AV_LOG_QUIET } from 'node-av/constants';
import { Log } from 'node-av/lib';
import { WHISPER_RATE, WhisperFilter } from '../src/media/whisper-filter.ts';
import { writeWhisperModel } from '../test/support/whisper-model.ts';

const SIZES = {
  tiny: { width: 384, heads: 6, layers: 4, audioPlaces: 1500 },
  base: { width: 512, heads: 8, layers: 6, audioPlaces: 1500 },
  small: { width: 768, heads: 12, layers: 12, audioPlaces: 1500 },
};
const WINDOW_SEC = 26;
const MEGABYTE = 1024 ** 2;

/** A line of a dozen words every 4.5 s. */
const lines = Array.from({ length: 6 }, (_, line) => ({
  startSec: line * 4.5,
  endSec: line * 4.5 + 4,
  words: Array.from({ length: 12 }, (_, word) => `w${line}x${word}`),
}));
const sound = Float32Array.from({ length: WINDOW_SEC * WHISPER_RATE }, (_, i) => Math.sin(i / 9) / 4);

/** Measurements of one fresh process. */
interface Measured {
  readonly loadSec: number;
  readonly hearSec: number;
  /** Memory in bytes, without that of Node and FFmpeg. */
  readonly memory: number;
}

const [first, ...names] = process.argv.slice(2);
if (first === '--measure') process.stdout.write(JSON.stringify(await measure(names[0]!, Number(names[1]))));
else compare([first, ...names].filter((name) => name !== undefined));

function compare(wanted: readonly string[]): void {
  const folder = join(import.meta.dirname, 'out');
  mkdirSync(folder, { recursive: true });
  console.log('model   file MB   load s   memory MB   s to hear 26 s: 1 thread, 2 threads   load / hearing');
  for (const [name, size] of Object.entries(SIZES)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const path = writeWhisperModel(join(folder, `whisper-${name}.bin`), lines, size);
    try {
      const run = (threads: number): Measured =>
        JSON.parse(
          execFileSync(process.execPath, [import.meta.filename, '--measure', path, String(threads)]).toString(),
        );
      const [one, two] = [run(1), run(2)];
      const loadSec = Math.min(one.loadSec, two.loadSec);
      console.log(
        [
          name.padEnd(7),
          (statSync(path).size / MEGABYTE).toFixed(0).padStart(7),
          loadSec.toFixed(2).padStart(8),
          (one.memory / MEGABYTE).toFixed(0).padStart(11),
          one.hearSec.toFixed(1).padStart(24),
          two.hearSec.toFixed(1).padStart(10),
          `${((100 * loadSec) / one.hearSec).toFixed(1)} %`.padStart(18),
        ].join(''),
      );
    } finally {
      rmSync(path);
    }
  }
}

async function measure(model: string, threads: number): Promise<Measured> {
  Log.setLevel(AV_LOG_QUIET);
  const before = process.memoryUsage().rss;
  const started = process.cpuUsage();
  using filter = await WhisperFilter.open({ model, language: 'auto', gpu: 'never', threads });
  const loaded = process.cpuUsage();
  await filter.transcribe(0, sound);
  await filter.finish();
  if (filter.output().split('\n').length < 60) throw new Error('The model did not return its lines.');
  const memory = process.memoryUsage().rss - before;
  const sec = ({ user, system }: NodeJS.CpuUsage, from: NodeJS.CpuUsage) =>
    (user + system - from.user - from.system) / 1e6;
  return { loadSec: sec(loaded, started), hearSec: sec(process.cpuUsage(), loaded), memory };
}
