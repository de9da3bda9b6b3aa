/**
 * Whole commands of reelvec against FFmpeg's command decoding the same file on one thread, in turn, so that other work
 * on the machine affects both. Needs `ffmpeg` and GNU `time` (Debian's packages of these names).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { loopMedia } from '../test/support/loop-media.ts';
import { MEDIA_DIR } from './media.ts';
import { CLI, measure } from './processes.ts';
import { checkTargets, median } from './report.ts';

const ROUNDS = Number(process.env['ROUNDS'] ?? 3);
const OUT = join(import.meta.dirname, 'out');
const DECODE = { video: ['-map', '0:v:0'], both: ['-map', '0:v:0', '-map', '0:a:0'] };

const MEASUREMENTS = [
  { what: 'shots', args: ['shots', '--json'], against: DECODE.video, target: 1 },
  {
    what: 'embed dynamic:4',
    args: ['embed', '--workers', '1', '--segmentation', 'dynamic:4'],
    against: DECODE.both,
    target: 1.25,
  },
  {
    what: 'embed fixed:6',
    args: ['embed', '--workers', '1', '--segmentation', 'fixed:6'],
    against: DECODE.both,
    target: 0.7,
  },
];

const targets = [];
for (const [name, file] of [
  ['720p', cartoon('720p', '1280:720')],
  ['1080p', cartoon('1080p', '1920:1080')],
  ['720p from a camera', camera('camera-720p')],
] as const) {
  for (const { what, args, against, target } of MEASUREMENTS) {
    const ratios = { wall: [] as number[], cpu: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      const ours = await measure(process.execPath, [CLI, args[0]!, file, ...args.slice(1)]);
      const theirs = await measure('ffmpeg', [
        '-v',
        'quiet',
        '-threads',
        '1',
        '-i',
        file,
        ...against,
        '-f',
        'null',
        '-',
      ]);
      ratios.wall.push(ours.wall / theirs.wall);
      ratios.cpu.push(ours.cpu / theirs.cpu);
    }
    const wall = median(ratios.wall);
    const got = `${wall.toFixed(2)} × the time, ${median(ratios.cpu).toFixed(2)} × the processor time`;
    targets.push({ what: `${what}, ${name}`, got, want: `≤ ${target}`, met: wall <= target });
  }
}
checkTargets(targets);

/** Two and a half minutes of a cartoon in H.264 by x264 at its defaults, with few B pictures. */
function cartoon(name: string, size: string): string {
  const path = join(OUT, `film-${name}.mp4`);
  if (existsSync(path)) return path;
  mkdirSync(OUT, { recursive: true });
  const source = join(MEDIA_DIR, 'video/bbb_first216s_640x360.mp4');
  const encode = ['-vf', `scale=${size}`, '-t', '150', '-c:v', 'libx264', '-c:a', 'copy'];
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', source, ...encode, `${path}.part.mp4`]);
  renameSync(`${path}.part.mp4`, path);
  return path;
}

/** Two and a quarter minutes from a camera and a video site, not re-encoded. */
function camera(name: string): string {
  const path = join(OUT, `film-${name}.mp4`);
  if (existsSync(path)) return path;
  mkdirSync(OUT, { recursive: true });
  const of = join(MEDIA_DIR, 'video/coffee_1280x720.mp4');
  loopMedia(`${path}.part.mp4`, { of, times: 14, everySec: 9.577 });
  renameSync(`${path}.part.mp4`, path);
  return path;
}
