import type { Rgb } from '../picture.ts';
import type { Random } from '../random.ts';
import { type Box, drawn, HEIGHT, paste, rect, text, WIDTH } from './canvas.ts';
import type { Footage } from './footage.ts';
import { Reel } from './reel.ts';

export interface CallOptions {
  readonly random: Random;
  /** Cameras of the participants. */
  readonly people: readonly Footage[];
  readonly names: readonly string[];
  readonly background: string;
  readonly rate: number;
  readonly durationSec: number;
  /** `speaker`: one large tile, the others in a strip. `gallery`: equal tiles, a border marks the speaker. */
  readonly layout: 'speaker' | 'gallery';
  /** A screen that is shared in the middle of the call. */
  readonly shared: Rgb | undefined;
}

/**
 * Makes a video call. Boundaries: another speaker in the large tile, and the start and the end of a shared screen.
 * Distractions: the border around the speaker, and messages that pop up.
 */
export async function videoCall(options: CallOptions): Promise<Reel> {
  const { random, people, rate, durationSec, layout, shared } = options;
  const reel = new Reel(rate);
  const speakerBoxes = speakerLayout(people.length, random.chance(0.5));
  const boxes = layout === 'speaker' ? speakerBoxes : galleryLayout(people.length);
  let speaker = 0;
  const toast = await drawn(
    rect({ left: 430, top: 20, width: 190, height: 44 }, '#f5f5f5') +
      text(440, 46, 12, '#222', 'DejaVu Sans', options.names.join(' ').slice(0, 22)),
  );
  const states = new Map<string, Rgb>();
  const state = async (talking: number) => {
    const key = `${talking}`;
    if (!states.has(key)) states.set(key, await drawn(surround(options, boxes, talking)));
    return states.get(key)!;
  };
  const show =
    (frame: Rgb, tiles: readonly Box[], order: readonly number[], start: number, isNoted: boolean) => (i: number) => {
      const out = frame.slice();
      order.forEach((person, place) => {
        if (tiles[place]) paste(out, people[person]!((start + i) / rate), tiles[place]);
      });
      if (isNoted)
        for (let row = 20; row < 64; row++)
          out.set(toast.subarray((row * WIDTH + 430) * 3, (row * WIDTH + 620) * 3), (row * WIDTH + 430) * 3);
      return out;
    };
  const screenFrame =
    shared && (await drawn(rect({ left: 0, top: 0, width: WIDTH, height: HEIGHT }, options.background)));
  let isSharing = false;
  while (reel.durationSec < durationSec) {
    const order = people.map((_, i) => i);
    if (layout === 'speaker') order.unshift(...order.splice(speaker, 1));
    const isNoted = random.chance(0.2);
    if (shared && screenFrame && !isSharing && reel.durationSec > durationSec / 3 && random.chance(0.5)) {
      reel.cut();
      isSharing = true;
      const frame = screenFrame.slice();
      const [width, height] = [480, 270];
      pasteCanvas(frame, shared, { left: 10, top: 45, width, height });
      const tiles = people.map((_, i) => ({ left: 510, top: 20 + 82 * i, width: 120, height: 68 }));
      reel.add(
        random.number(6, 10),
        show(
          frame,
          tiles,
          people.map((_, i) => i),
          reel.end,
          false,
        ),
      );
      reel.cut();
    }
    const sec = random.number(2.5, 7);
    const picture = show(await state(layout === 'speaker' ? -1 : speaker), boxes, order, reel.end, isNoted);
    if (layout === 'gallery' || isNoted) reel.distract('speaker', sec, picture);
    else reel.add(sec, picture);
    const next = random.whole(0, people.length - 1);
    if (layout === 'speaker' && next !== speaker && reel.durationSec < durationSec) reel.cut();
    speaker = next;
  }
  return reel;
}

function speakerLayout(count: number, isBeside: boolean): Box[] {
  const large = isBeside
    ? { left: 8, top: 30, width: 500, height: 300 }
    : { left: 100, top: 8, width: 440, height: 248 };
  return [
    large,
    ...Array.from({ length: count - 1 }, (_, i) =>
      isBeside
        ? { left: 516, top: 30 + 76 * i, width: 116, height: 66 }
        : { left: 30 + 150 * i, top: 268, width: 140, height: 80 },
    ),
  ];
}

function galleryLayout(count: number): Box[] {
  const columns = count <= 4 ? 2 : 3;
  const width = Math.floor((WIDTH - 16) / columns) - 8;
  const height = Math.min(Math.round((width * 9) / 16), 160);
  return Array.from({ length: count }, (_, i) => ({
    left: 8 + (i % columns) * (width + 8),
    top: 14 + Math.floor(i / columns) * (height + 10),
    ...{ width, height },
  }));
}

function surround({ background }: CallOptions, boxes: readonly Box[], talking: number): string {
  let out = rect({ left: 0, top: 0, width: WIDTH, height: HEIGHT }, background);
  const box = boxes[talking];
  if (box)
    out += rect({ left: box.left - 2, top: box.top - 2, width: box.width + 4, height: box.height + 4 }, '#39d353');
  out += rect({ left: 300, top: 348, width: 40, height: 10 }, '#c62828');
  return out;
}

function pasteCanvas(onto: Rgb, from: Rgb, { left, top, width, height }: Box): void {
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const at = (Math.floor((row * HEIGHT) / height) * WIDTH + Math.floor((column * WIDTH) / width)) * 3;
      onto.set(from.subarray(at, at + 3), ((top + row) * WIDTH + left + column) * 3);
    }
  }
}
