import type { Picture } from '../../src/media/frames.ts';
import { SHOT_PICTURE } from '../../src/segment/shots.ts';
import type { Distraction, Truth } from './film.ts';
import { seeded } from './random.ts';

/** A film as the detector gets it, with its ground truth. */
export interface SmallFilm {
  readonly truth: readonly Truth[];
  readonly distractions: readonly Distraction[];
  /** Each picture is valid until the next one. */
  pictures(): Iterable<Picture>;
}

const { width, height } = SHOT_PICTURE;

/**
 * Modifications of composed films, made from their small pictures without composing again. A detector that is fitted to the
 * composed films scores lower on them.
 */
export const VARIANTS: Readonly<Record<string, (film: SmallFilm) => SmallFilm>> = {
  'half the pictures': (film) => ({
    ...timed(film, (frame) => Math.ceil(frame / 2)),
    pictures: () => thinned(film, 2),
  }),
  'on twos': (film) => held(film, 2),
  'on threes': (film) => held(film, 3),
  backwards,
  dim: (film) => revalued(film, { gain: 0.4, lift: 3, noise: 1.5 }),
  'in fog': (film) => revalued(film, { gain: 0.5, lift: 90, noise: 0.5 }),
  'from near': (film) => ({ ...film, pictures: () => magnified(film) }),
};

/** The ground truth with other numbers of pictures. */
function timed({ truth, distractions }: SmallFilm, to: (frame: number) => number) {
  return {
    truth: truth.map(({ kind, frame, start, end }) => ({ kind, frame: to(frame), start: to(start), end: to(end) })),
    distractions: distractions.map(({ kind, start, end }) => ({ kind, start: to(start), end: to(end) })),
  };
}

function* thinned(film: SmallFilm, every: number): Generator<Picture> {
  let number = 0;
  for (const picture of film.pictures()) if (number++ % every === 0) yield picture;
}

/** Each picture is repeated `count` times, in place of those that follow. */
function held(film: SmallFilm, count: number): SmallFilm {
  return {
    ...timed(film, (frame) => count * Math.ceil(frame / count)),
    *pictures() {
      let number = 0;
      let data: Picture['data'] = new Uint8Array();
      for (const picture of film.pictures()) {
        if (number++ % count === 0) data = picture.data.slice();
        yield { ...picture, data };
      }
    },
  };
}

function backwards(film: SmallFilm): SmallFilm {
  const pictures: Picture[] = [];
  for (const picture of film.pictures()) pictures.push({ ...picture, data: picture.data.slice() });
  const [count, endSec] = [pictures.length, pictures.at(-1)!.timeSec];
  return {
    truth: film.truth.map(({ kind, frame, start, end }) => ({
      ...{ kind, frame: count - frame, start: count - end, end: count - start },
    })),
    distractions: film.distractions.map(({ kind, start, end }) => ({ kind, start: count - end, end: count - start })),
    pictures: () => pictures.map((picture) => ({ ...picture, timeSec: endSec - picture.timeSec })).reverse(),
  };
}

/** Less contrast, and noise (standard deviation in steps of 8 bits). Black is lifted by no more than its noise is. */
function revalued(film: SmallFilm, { gain, lift, noise }: { gain: number; lift: number; noise: number }): SmallFilm {
  return {
    ...film,
    *pictures() {
      const random = seeded(1);
      const normal = () => Math.sqrt(-2 * Math.log(1 - random.number())) * Math.cos(2 * Math.PI * random.number());
      const field = Float32Array.from({ length: 65_536 }, () => noise * normal());
      for (const picture of film.pictures()) {
        const at = random.whole(0, field.length - picture.data.length);
        const data = picture.data.map((value, i) => {
          const changed = value * gain + Math.min(lift, 4 * value) + field[at + i]!;
          return Math.min(255, Math.max(0, changed));
        });
        yield { ...picture, data };
      }
    },
  };
}

/** Crops to 0.55 of the width, so that motion is nearly twice as large and less of each scene shows. */
function* magnified(film: SmallFilm): Generator<Picture> {
  const [left, top, scale] = [0.1 * width, 0.2 * height, 0.55];
  for (const picture of film.pictures()) {
    const data = new Uint8Array(picture.data.length);
    for (let row = 0, i = 0; row < height; row++) {
      const y = top + row * scale;
      const [above, down] = [Math.floor(y) * width, y % 1];
      for (let column = 0; column < width; column++) {
        const x = left + column * scale;
        const [beside, across] = [Math.floor(x), x % 1];
        for (let channel = 0; channel < 3; channel++, i++) {
          const value = (pixel: number) => picture.data[pixel * 3 + channel]!;
          const upper = value(above + beside) * (1 - across) + value(above + beside + 1) * across;
          const lower = value(above + width + beside) * (1 - across) + value(above + width + beside + 1) * across;
          data[i] = Math.round(upper * (1 - down) + lower * down);
        }
      }
    }
    yield { ...picture, data };
  }
}
