import { BYTES, HEIGHT, type Rgb, WIDTH } from '../picture.ts';
import type { Random } from '../random.ts';
import type { Shot } from '../sources.ts';

/** Picture of a camera at a time in seconds. */
export type Footage = (sec: number) => Rgb;

/** Plays a shot of the test media forwards and backwards in turn. */
export function played(shot: Shot): Footage {
  const last = Math.max(1, shot.length - 1);
  return (sec) =>
    shot.picture(shot.length === 1 ? 0 : Math.floor(last - Math.abs(((sec * shot.rate) % (2 * last)) - last)));
}

/** Draws a talking head in front of shelves or a wall, with the noise of a webcam. */
export function talkingHead(random: Random): Footage {
  const colour = () => [random.whole(20, 220), random.whole(20, 220), random.whole(20, 220)] as const;
  const [wall, shirt, hair] = [colour(), colour(), colour().map((value) => value * 0.5)];
  const skin = random.pick([
    [224, 172, 140],
    [141, 85, 56],
    [255, 215, 190],
    [90, 60, 40],
  ] as const);
  const shelves = Array.from({ length: random.whole(3, 9) }, () => ({
    ...{ left: random.number(0, WIDTH), top: random.number(0, HEIGHT * 0.8), colour: colour() },
    ...{ width: random.number(10, 70), height: random.number(10, 60) },
  }));
  const background = new Uint8ClampedArray(BYTES);
  paint(background, (x, y) => {
    const thing = shelves.find(
      ({ left, top, width, height }) => x >= left && x < left + width && y >= top && y < top + height,
    );
    return thing?.colour ?? wall.map((value) => value * (1 - (0.3 * y) / HEIGHT));
  });
  const [middle, size] = [WIDTH * random.number(0.38, 0.62), HEIGHT * random.number(0.2, 0.3)];
  const [sways, nods, talks] = [random.number(0.2, 0.5), random.number(0.3, 0.9), random.number(2, 4)];
  const noise = Int8Array.from({ length: 2 * BYTES }, () => Math.round(random.number(-3, 3)));
  return (sec) => {
    const out = background.slice();
    const x0 = middle + 9 * Math.sin(6.28 * sways * sec);
    const y0 = HEIGHT * 0.42 + 4 * Math.sin(6.28 * nods * sec);
    const mouth = size * 0.16 * Math.abs(Math.sin(6.28 * talks * sec));
    paint(out, (x, y) => {
      const [across, down] = [(x - x0) / size, (y - y0) / size];
      if (down > 0.9 && Math.abs(across) < 0.5 + 1.2 * Math.min(1, down - 0.8)) return shirt;
      if ((across * across) / 0.6 + down * down > 1) return undefined;
      if (down < -0.5) return hair;
      if (Math.abs(down + 0.1) < 0.08 && Math.abs(Math.abs(across) - 0.3) < 0.12) return [30, 30, 30];
      if (Math.abs(down - 0.5) < 0.04 + mouth / size && Math.abs(across) < 0.25) return [120, 40, 40];
      return skin;
    });
    const at = Math.floor(sec * 977) % BYTES;
    for (let i = 0; i < BYTES; i++) out[i] = out[i]! + noise[at + i]!;
    return out;
  };
}

function paint(picture: Rgb, colour: (x: number, y: number) => ArrayLike<number> | undefined): void {
  for (let y = 0, i = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++, i += 3) {
      const value = colour(x, y);
      if (value) picture.set(value, i);
    }
  }
}
