import sharp from 'sharp';
import { HEIGHT as FOOTAGE_HEIGHT, WIDTH as FOOTAGE_WIDTH, type Rgb } from '../picture.ts';

/** Width of the canvas, in pixels. Text of 12 pixels is legible, as in a recording that was scaled to 360p. */
export const WIDTH = 640;
/** Height of the canvas, in pixels. */
export const HEIGHT = 360;

/** A rectangle in pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Renders SVG elements as packed RGB, `WIDTH` pixels wide. */
export async function drawn(elements: string, height = HEIGHT): Promise<Rgb> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}">${elements}</svg>`;
  const { data } = await sharp(Buffer.from(svg)).flatten().removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return new Uint8ClampedArray(data.buffer, data.byteOffset, data.byteLength);
}

/** A filled SVG rectangle. @param more attributes */
export function rect({ left, top, width, height }: Box, fill: string, more = ''): string {
  return `<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="${fill}" ${more}/>`;
}

/** A line of SVG text. @param more attributes */
export function text(x: number, y: number, size: number, fill: string, font: string, words: string, more = ''): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" y="${y}" font-size="${size}" fill="${fill}" font-family="${font}" xml:space="preserve" ${more}>${escaped}</text>`;
}

/** Scales footage to fill a box. Crops what is left over on two sides. */
export function paste(onto: Rgb, footage: Rgb, { left, top, width, height }: Box): void {
  const scale = Math.min(FOOTAGE_WIDTH / width, FOOTAGE_HEIGHT / height);
  const [x0, y0] = [(FOOTAGE_WIDTH - width * scale) / 2, (FOOTAGE_HEIGHT - height * scale) / 2];
  for (let row = 0; row < height; row++) {
    const y = Math.min(FOOTAGE_HEIGHT - 1, Math.floor(y0 + (row + 0.5) * scale));
    for (let column = 0; column < width; column++) {
      const x = Math.min(FOOTAGE_WIDTH - 1, Math.floor(x0 + (column + 0.5) * scale));
      const from = (y * FOOTAGE_WIDTH + x) * 3;
      const to = ((top + row) * WIDTH + left + column) * 3;
      onto[to] = footage[from]!;
      onto[to + 1] = footage[from + 1]!;
      onto[to + 2] = footage[from + 2]!;
    }
  }
}

/** Copies a box of one canvas to another. The source is `down` rows below the target. */
export function copy(onto: Rgb, from: Rgb, { left, top, width, height }: Box, down = 0): void {
  for (let row = top; row < top + height; row++) {
    const start = ((row + down) * WIDTH + left) * 3;
    onto.set(from.subarray(start, start + width * 3), (row * WIDTH + left) * 3);
  }
}

/** Mixes two canvases. @param share of `b` */
export function blend(a: Rgb, b: Rgb, share: number): Rgb {
  return a.map((value, i) => value + (b[i]! - value) * share);
}

/** Mouse pointer, line by line: `#` is black, other characters are white. */
const ARROW = ['#', '##', '#.#', '#..#', '#...#', '#....#', '#.....#', '#...###', '#.##.#', '##..#.', '#...##'];

/** Draws a mouse pointer with its tip at `x`, `y`. */
export function pointer(onto: Rgb, x: number, y: number): void {
  ARROW.forEach((line, row) => {
    [...line].forEach((character, column) => {
      dot(onto, Math.round(x) + column, Math.round(y) + row, character === '#' ? [0, 0, 0] : [255, 255, 255]);
    });
  });
}

/** Draws the spot of a laser pointer. */
export function laser(onto: Rgb, x: number, y: number): void {
  for (let row = -5; row <= 5; row++) {
    for (let column = -5; column <= 5; column++)
      if (row * row + column * column <= 25) dot(onto, Math.round(x) + column, Math.round(y) + row, [250, 30, 20]);
  }
}

function dot(onto: Rgb, x: number, y: number, colour: readonly number[]): void {
  if (x >= 0 && x < WIDTH && y >= 0 && y < HEIGHT) onto.set(colour, (y * WIDTH + x) * 3);
}
