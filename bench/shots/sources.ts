import { closeSync, existsSync, mkdirSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Decoder, Demuxer, FilterAPI } from 'node-av/api';
import { decode } from '../../src/media/decode.ts';
import { MEDIA_DIR } from '../media.ts';
import { OUT_DIR } from './out.ts';
import { BYTES, HEIGHT, type Rgb, WIDTH } from './picture.ts';

/** The pictures of one shot of a real film, or a photograph. */
export interface Shot {
  readonly name: string;
  /** Number of pictures. 1 for a photograph. */
  readonly length: number;
  /** Pictures per second. */
  readonly rate: number;
  picture(index: number): Rgb;
}

type Stretch = readonly [file: string, rate: number, first: number, last: number];

const BUNNY = 'video/bbb_first216s_640x360.mp4';
const STEEL = 'video/tos_speech_640x360.ts';
const FADES = 'video/fades_dissolve_1280x720.mp4';

/** First pictures of the shots of Big Buck Bunny, from its `.cuts.csv`, without the two at the dissolve. */
const BUNNY_FOR_TUNING = [52, 286, 379, 1146, 1347, 1457, 1532, 1667, 1712, 1764, 1814, 1920, 2155, 2195, 2395, 2495];
const BUNNY_FOR_REPORT = [
  2705, 2832, 2902, 2964, 3046, 3514, 3579, 3745, 3861, 3896, 3920, 3990, 4033, 4070, 4228, 4267, 4333, 4464, 4545,
  4613, 4673, 4698, 4727, 4797, 4901, 4943, 4980, 5014, 5080, 5132,
];

/**
 * The shots of the shared test media, in two halves. Constants are chosen on films of the first and measured on films of the
 * second. No shot is in both. The first 112 s of Big Buck Bunny are in one and the rest is in the other, so its characters and
 * its meadow are in both.
 */
export const SPLITS: Readonly<Record<'tuning' | 'report', readonly Stretch[]>> = {
  tuning: [
    ...shotsOf(BUNNY, 24, BUNNY_FOR_TUNING, 2704).filter(([, , first]) => first !== 379),
    [BUNNY, 24, 379, 553],
    ...shotsOf(STEEL, 24, [0, 20, 81, 153], 339),
    ['video/dog_1280x720.mp4', 30, 0, 288],
    ['video/coffee_1280x720.mp4', 30, 0, 286],
    [FADES, 30, 32, 178],
    ['images/astronaut.png', 24, 0, 0],
    ['images/coffee.png', 24, 0, 0],
  ],
  report: [
    ...shotsOf(BUNNY, 24, BUNNY_FOR_REPORT, 5183),
    ['video/cars_768x432.mp4', 12.5, 0, 376],
    ['video/friday_speech_640x480.mp4', 30, 0, 184],
    ['video/flower_960x540.mp4', 30, 0, 149],
    [FADES, 30, 242, 327],
    [FADES, 30, 425, 528],
    ['images/chelsea.png', 24, 0, 0],
    ['images/rocket.jpg', 24, 0, 0],
  ],
};

function shotsOf(file: string, rate: number, starts: readonly number[], last: number): Stretch[] {
  return starts.map((first, i) => [file, rate, first, (starts[i + 1] ?? last + 1) - 1]);
}

/** Opens the shots of a split. Files are decoded once and cached in `OUT_DIR`. */
export async function openShots(split: keyof typeof SPLITS): Promise<Shot[]> {
  const shots: Shot[] = [];
  for (const [file, rate, first, last] of SPLITS[split]) {
    const pixels = openSync(await rawPictures(join(MEDIA_DIR, file)), 'r');
    shots.push({
      name: `${basename(file)} ${first}`,
      length: last - first + 1,
      rate,
      picture(index) {
        const picture = new Uint8ClampedArray(BYTES);
        readSync(pixels, picture, 0, BYTES, (first + index) * BYTES);
        return picture;
      },
    });
  }
  return shots;
}

/** Decodes all pictures of a file into one. @returns its path */
async function rawPictures(path: string): Promise<string> {
  const target = join(OUT_DIR, 'sources', `${basename(path)}.rgb`);
  if (existsSync(target)) return target;
  mkdirSync(dirname(target), { recursive: true });
  const file = openSync(`${target}.${process.pid}.unfinished`, 'w');
  if (/\.(png|jpg)$/.test(path)) writeSync(file, await photograph(path));
  else {
    for (const event of decode({ path, everyPicture: { width: WIDTH, height: HEIGHT, fit: 'cover' } })) {
      if (event.type === 'picture') writeSync(file, event.picture.data);
    }
  }
  closeSync(file);
  renameSync(`${target}.${process.pid}.unfinished`, target);
  return target;
}

/** Reads a photograph with FFmpeg, since reelvec itself reads none. */
async function photograph(path: string): Promise<Buffer> {
  await using input = await Demuxer.open(path);
  const stream = input.video()!;
  using decoder = await Decoder.create(stream);
  const size = `${WIDTH}:${HEIGHT}`;
  using filter = FilterAPI.create(`scale=${size}:force_original_aspect_ratio=increase,crop=${size},format=rgb24`);
  for await (using frame of filter.frames(decoder.frames(input.packets(stream.index)))) {
    if (frame) return frame.toBuffer();
  }
  throw new Error(`${basename(path)} holds no picture`);
}
