/** Size at which films are composed, in pixels: 16 times as many as the detector gets. */
export const WIDTH = 256;
export const HEIGHT = 144;
export const BYTES = WIDTH * HEIGHT * 3;

/** Packed RGB of that size, rows from the top. */
export type Rgb = Uint8ClampedArray;

/** Blend of two pictures: `a` at 0, `b` at 1. */
export function mix(a: Rgb, b: Rgb, share: number): Rgb {
  const out = new Uint8ClampedArray(BYTES);
  for (let i = 0; i < BYTES; i++) out[i] = a[i]! + (b[i]! - a[i]!) * share;
  return out;
}

export function plain(value: number): Rgb {
  return new Uint8ClampedArray(BYTES).fill(value);
}

/** Maps every value of a picture, given `row` and `column` of its pixel and `channel` 0 to 2. */
export function map(a: Rgb, value: (value: number, row: number, column: number, channel: number) => number): Rgb {
  const out = new Uint8ClampedArray(BYTES);
  for (let row = 0, i = 0; row < HEIGHT; row++) {
    for (let column = 0; column < WIDTH; column++) {
      for (let channel = 0; channel < 3; channel++, i++) out[i] = value(a[i]!, row, column, channel);
    }
  }
  return out;
}

/** Pixels of `b` where `isB`, of `a` elsewhere. */
export function choose(a: Rgb, b: Rgb, isB: (row: number, column: number) => boolean): Rgb {
  const out = a.slice();
  for (let row = 0; row < HEIGHT; row++) {
    for (let column = 0; column < WIDTH; column++) {
      if (!isB(row, column)) continue;
      const i = (row * WIDTH + column) * 3;
      out.set(b.subarray(i, i + 3), i);
    }
  }
  return out;
}

/**
 * The view of a camera that shows `scale` of the picture's width, with its upper left corner at `left`, `top` (shares of the
 * picture). The picture continues as its mirror image outside, so that a camera may move on.
 */
export function view(a: Rgb, left: number, top: number, scale: number): Rgb {
  const out = new Uint8ClampedArray(BYTES);
  const columns = sampling(left * WIDTH, scale, WIDTH);
  const rows = sampling(top * HEIGHT, scale, HEIGHT);
  for (let row = 0, o = 0; row < HEIGHT; row++) {
    const [y, below] = [rows.at[row]! * WIDTH, rows.next[row]! * WIDTH];
    const down = rows.part[row]!;
    for (let column = 0; column < WIDTH; column++) {
      const [x, beside, across] = [columns.at[column]!, columns.next[column]!, columns.part[column]!];
      const [p, q, r, s] = [(y + x) * 3, (y + beside) * 3, (below + x) * 3, (below + beside) * 3];
      for (let k = 0; k < 3; k++, o++) {
        const upper = a[p + k]! + (a[q + k]! - a[p + k]!) * across;
        const lower = a[r + k]! + (a[s + k]! - a[r + k]!) * across;
        out[o] = upper + (lower - upper) * down;
      }
    }
  }
  return out;
}

/** For each pixel of a line: the two source pixels around it, and the weight of the second. */
function sampling(from: number, scale: number, length: number) {
  const mirrored = (at: number) => {
    const turn = ((at % (2 * length)) + 2 * length) % (2 * length);
    return turn < length ? turn : 2 * length - 1 - turn;
  };
  const places = Array.from({ length }, (_, i) => from + (i + 0.5) * scale - 0.5);
  return {
    at: places.map((place) => mirrored(Math.floor(place))),
    next: places.map((place) => mirrored(Math.floor(place) + 1)),
    part: places.map((place) => place - Math.floor(place)),
  };
}

/** Mean of several pictures: motion blur. */
export function blur(pictures: readonly Rgb[]): Rgb {
  const out = new Uint8ClampedArray(BYTES);
  for (let i = 0; i < BYTES; i++) {
    let sum = 0;
    for (const picture of pictures) sum += picture[i]!;
    out[i] = sum / pictures.length;
  }
  return out;
}
