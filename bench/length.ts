/**
 * Twenty minutes, an hour and four hours of the same film: memory must not grow with length, time not faster than it,
 * and a second worker must help. Of an MP4, FFmpeg reads an index of every packet; Matroska has none that is as long.
 * Needs `ffmpeg` and GNU `time` (Debian's packages of these names).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { loopMedia } from '../test/support/loop-media.ts';
import { MEDIA_DIR } from './media.ts';
import { CLI, type Measured, measure } from './processes.ts';
import { checkTargets } from './report.ts';

const OUT = join(import.meta.dirname, 'out');
const SOURCE = join(MEDIA_DIR, 'video/bbb_first216s_640x360.mp4');
const SOURCE_SEC = 216.02;
const MEGABYTE = 1024 ** 2;

const short = await embed(looped('20-minutes', 6), 2);
const alone = await embed(looped('1-hour', 17), 1);
const two = await embed(looped('1-hour', 17), 2);
const long = await embed(looped('4-hours', 66), 2);
const perMinute = ({ cpu }: Measured, times: number) => cpu / ((times * SOURCE_SEC) / 60);
const growth = long.peak / short.peak;
const unindexed =
  (await embed(matroska(looped('4-hours', 66)), 2)).peak / (await embed(matroska(looped('20-minutes', 6)), 2)).peak;
const slowdown = perMinute(long, 66) / perMinute(short, 6);
const speedup = alone.wall / two.wall;
checkTargets([
  {
    what: 'peak memory of any process, four hours',
    got: `${(long.peak / MEGABYTE).toFixed(0)} MB`,
    want: '≤ 500 MB',
    met: long.peak <= 500 * MEGABYTE,
  },
  { what: 'against its peak on 20 minutes', got: growth.toFixed(2), want: '≤ 1.1', met: growth <= 1.1 },
  { what: 'likewise, in Matroska', got: unindexed.toFixed(2), want: '≤ 1.1', met: unindexed <= 1.1 },
  {
    what: 'processor time a minute of film, against 20 minutes',
    got: slowdown.toFixed(2),
    want: '≤ 1.1',
    met: slowdown <= 1.1,
  },
  { what: 'two workers against one, one hour', got: `${speedup.toFixed(2)} ×`, want: '≥ 1.8', met: speedup >= 1.8 },
]);

async function embed(file: string, workers: number): Promise<Measured> {
  const measured = await measure(process.execPath, [
    CLI,
    'embed',
    file,
    '--workers',
    String(workers),
    '--format',
    'arrow',
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

/** The same packets in the other container. */
function matroska(file: string): string {
  const path = file.replace(/mp4$/, 'mkv');
  if (existsSync(path)) return path;
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', file, '-c', 'copy', `${path}.part.mkv`]);
  renameSync(`${path}.part.mkv`, path);
  return path;
}
