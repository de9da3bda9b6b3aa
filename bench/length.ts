/**
 * Twenty minutes, an hour and four hours of the same film: memory must hardly grow with length, time at most linearly,
 * and a second worker must help. FFmpeg holds the index of an MP4, which lists each packet; Matroska has no such index.
 * Needs `ffmpeg` and GNU `time` (Debian's packages of these names).
 *   node bench/length.ts [growth] [workers]
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { loopMedia } from '../test/support/loop-media.ts';
import { MEDIA_DIR } from './media.ts';
import { CLI, type Measured, measure } from './processes.ts';
import { checkTargets, median } from './report.ts';

const OUT = join(import.meta.dirname, 'out');
const SOURCE = join(MEDIA_DIR, 'video/bbb_first216s_640x360.mp4');
const SOURCE_SEC = 216.02;
const MEGABYTE = 1024 ** 2;
const ROUNDS = Number(process.env['ROUNDS'] ?? 3);

const wanted = process.argv.slice(2);
const isWanted = (part: string) => wanted.length === 0 || wanted.includes(part);

const targets = [];
if (isWanted('growth')) {
  targets.push(...(await growth('MP4', (path) => path)), ...(await growth('Matroska', matroska)));
}
if (isWanted('workers')) targets.push(await speedup());
checkTargets(targets);

/** The short film runs before and after the long one, since machines change speed; of two peaks the higher counts. */
async function growth(container: string, inContainer: (path: string) => string) {
  const [twenty, four] = [inContainer(looped('20-minutes', 6)), inContainer(looped('4-hours', 66))];
  const before = await embed(twenty, 2);
  const long = await embed(four, 2);
  const after = await embed(twenty, 2);
  const memory = long.peak / Math.max(before.peak, after.peak);
  const time = (6 * 2 * long.cpu) / (66 * (before.cpu + after.cpu));
  return [
    {
      what: `${container}: peak memory of any process, four hours`,
      got: `${(long.peak / MEGABYTE).toFixed(0)} MB`,
      want: '≤ 400 MB',
      met: long.peak <= 400 * MEGABYTE,
    },
    {
      what: `${container}: against its peak on 20 minutes`,
      got: memory.toFixed(2),
      want: '≤ 1.5',
      met: memory <= 1.5,
    },
    {
      what: `${container}: processor time a minute of film, against 20 minutes`,
      got: time.toFixed(2),
      want: '≤ 1.1',
      met: time <= 1.1,
    },
  ];
}

/**
 * One worker and two workers, in turn. Beside it, the speed-up that the machine itself allows: two independent commands
 * at once.
 */
async function speedup() {
  const hour = looped('1-hour', 17);
  const short = looped('20-minutes', 6);
  const ratios = [];
  const possible = [];
  for (let round = 0; round < ROUNDS; round++) {
    const two = await embed(hour, 2, '--end', '3600');
    const alone = await embed(hour, 1, '--end', '3600');
    ratios.push(alone.wall / two.wall);
    const one = await embed(short, 1);
    const both = await Promise.all([embed(short, 1), embed(short, 1)]);
    possible.push((2 * one.wall) / Math.max(...both.map(({ wall }) => wall)));
  }
  const ratio = median(ratios);
  const list = (values: readonly number[]) => values.map((value) => value.toFixed(2)).join(', ');
  return {
    what: 'two workers against one, an hour',
    got: `${ratio.toFixed(2)} × (${list(ratios)}); the machine gives two commands at once ${list(possible)} ×`,
    want: '≥ 1.8',
    met: ratio >= 1.8,
  };
}

async function embed(file: string, workers: number, ...range: string[]): Promise<Measured> {
  const measured = await measure(process.execPath, [
    CLI,
    'embed',
    file,
    '--workers',
    String(workers),
    '--format',
    'arrow',
    ...range,
  ]);
  const { wall, cpu, peak } = measured;
  console.log(
    `${file.slice(OUT.length + 1)}, ${workers} workers: ${wall.toFixed(1)} s, processor ${cpu.toFixed(1)} s, peak ${(peak / MEGABYTE).toFixed(0)} MB`,
  );
  return measured;
}

function looped(name: string, times: number): string {
  const path = join(OUT, `${name}.mp4`);
  if (!existsSync(path)) {
    mkdirSync(OUT, { recursive: true });
    loopMedia(`${path}.part.mp4`, { of: SOURCE, times, everySec: SOURCE_SEC });
    renameSync(`${path}.part.mp4`, path);
  }
  return path;
}

/** Remuxes a film into the other container. */
function matroska(file: string): string {
  const path = file.replace(/mp4$/, 'mkv');
  if (existsSync(path)) return path;
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', file, '-c', 'copy', `${path}.part.mkv`]);
  renameSync(`${path}.part.mkv`, path);
  return path;
}
