/**
 * Profile of a media worker by V8's sampling profiler: calls into FFmpeg by operation, own code by folder.
 * `node bench/profile.ts [FILE]`; without one, the 720p film of bench/speed.ts.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSignalBundle } from '../src/encode/signal/bundle.ts';
import { probe } from '../src/media/probe.ts';
import { embedChunk } from '../src/pipeline/embed-chunk.ts';
import { listShots } from '../src/pipeline/list-shots.ts';
import type { EmbedJob } from '../src/workers/protocol.ts';
import { percent } from './report.ts';

/** Calls of node-av, by name. */
const FFMPEG = new Map([
  ['sendPacketSync', 'decoding'],
  ['receiveFrameSync', 'decoding'],
  ['readFrameSync', 'reading the container'],
  ['scaleFrameSync', 'scaling'],
  ['convertSync', 'mixing and resampling sound'],
]);
const FOLDERS: readonly (readonly [folder: string, what: string])[] = [
  ['/src/segment/', 'shot detector'],
  ['/src/encode/', 'encoders'],
  ['/src/media/', 'our code around FFmpeg'],
  ['/src/pipeline/', 'our code around FFmpeg'],
  ['/node-av/', 'our code around FFmpeg'],
];

const JOBS: Readonly<Record<string, (path: string) => unknown>> = {
  shots: (path) => listShots({ kind: 'shots', path }, () => {}),
  'embed dynamic:4': (path) => embed(path, { strategy: 'dynamic', minDurationSec: 4, maxDurationSec: 10 }),
  'embed fixed:6': (path) => embed(path, { strategy: 'fixed', durationSec: 6 }),
};

const path = process.argv[2] ?? join(import.meta.dirname, 'out/film-720p.mp4');
const job = process.argv[3];
if (job !== undefined) await JOBS[job]!(path);
else for (const name of Object.keys(JOBS)) report(name, profiled(name));

function embed(path: string, segmentation: EmbedJob['segmentation']) {
  const range = { startSec: 0, endSec: probe(path).durationSec };
  return embedChunk({ path, range, segmentation, options: ['visual', 'audio'] }, createSignalBundle(), () => {});
}

/** Runs a job in a process of its own. */
function profiled(name: string): Profiler.Profile {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-profile-'));
  try {
    execFileSync(process.execPath, ['--cpu-prof', `--cpu-prof-dir=${folder}`, import.meta.filename, path, name]);
    return JSON.parse(readFileSync(join(folder, readdirSync(folder)[0]!), 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function report(name: string, { nodes, samples = [], timeDeltas = [] }: Profiler.Profile): void {
  const whatOf = new Map(nodes.map(({ id, callFrame }) => [id, kindOf(callFrame)]));
  const times = new Map<string, number>();
  samples.forEach((id, i) => {
    const what = whatOf.get(id)!;
    times.set(what, (times.get(what) ?? 0) + timeDeltas[i]!);
  });
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  console.log(`${name}: ${(total / 1e6).toFixed(1)} s`);
  for (const [what, time] of [...times].sort(([, a], [, b]) => b - a))
    console.log(`${percent(time / total).padStart(8)}  ${what}`);
}

function kindOf({ functionName, url }: Profiler.Profile['nodes'][number]['callFrame']): string {
  const call = FFMPEG.get(functionName);
  if (call) return call;
  if (functionName === '(garbage collector)') return 'garbage collection';
  return FOLDERS.find(([folder]) => url.includes(folder))?.[1] ?? 'start and all else';
}
