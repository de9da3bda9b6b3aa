import { choose, HEIGHT, mix, plain, type Rgb, WIDTH } from './picture.ts';
import type { Random } from './random.ts';

/** A transition from one shot to the next. */
export interface Transition {
  readonly kind:
    | 'cut'
    | 'cut to alike'
    | 'dissolve'
    | 'wipe'
    | 'fade through black'
    | 'fade through white'
    | 'black between'
    | 'title';
  /** Number of pictures of the old and of the new shot that it uses. */
  readonly outLength: number;
  readonly inLength: number;
  /** Length, in pictures. */
  readonly length: number;
  /** Number of its first picture that shows the new shot; in a dissolve, as much of it as of the old one. */
  readonly turn: number;
  /** Its `i`-th picture. */
  picture(i: number, old: (i: number) => Rgb, fresh: (i: number) => Rgb): Rgb;
}

/** Lengths of gradual transitions, in pictures. */
const SHORTEST = 4;
const LONGEST = 60;

export function cut(kind: 'cut' | 'cut to alike'): Transition {
  return { kind, outLength: 0, inLength: 0, length: 0, turn: 0, picture: () => plain(0) };
}

export function dissolve(random: Random): Transition {
  const length = someLength(random);
  const share = (i: number) => (i + 1) / (length + 1);
  return {
    kind: 'dissolve',
    ...{ outLength: length, inLength: length, length, turn: length >> 1 },
    picture: (i, old, fresh) => mix(old(i), fresh(i), share(i)),
  };
}

/** A straight edge moves over the picture in one of four directions, or an iris opens. */
export function wipe(random: Random): Transition {
  const length = someLength(random);
  const share = (i: number) => (i + 1) / (length + 1);
  const shape = random.pick<(row: number, column: number) => number>([
    (_, column) => column / WIDTH,
    (_, column) => 1 - column / WIDTH,
    (row) => row / HEIGHT,
    (row, column) => (row / HEIGHT + column / WIDTH) / 2,
    (row, column) => Math.hypot(row / HEIGHT - 0.5, column / WIDTH - 0.5) / Math.SQRT1_2,
  ]);
  return {
    kind: 'wipe',
    ...{ outLength: length, inLength: length, length, turn: length >> 1 },
    picture: (i, old, fresh) => choose(old(i), fresh(i), (row, column) => shape(row, column) < share(i)),
  };
}

interface FadeOptions {
  /** Length of either side, in pictures. */
  readonly longest: number;
  /** Share of the fades that go through white. */
  readonly whites: number;
}

/** Both shots fade, or one of them is cut. The screen is empty for a moment in between. */
export function fade(random: Random, { longest, whites }: FadeOptions = { longest: 30, whites: 0.25 }): Transition {
  const isWhite = random.chance(whites);
  const colour = plain(isWhite ? 250 : 0);
  const kept = random.number();
  const outLength = kept < 0.15 ? 0 : random.whole(2, longest);
  const inLength = kept > 0.85 ? 0 : random.whole(2, longest);
  const empty = random.whole(1, 12);
  return {
    kind: isWhite ? 'fade through white' : 'fade through black',
    ...{ outLength, inLength, length: outLength + empty + inLength, turn: outLength + empty },
    picture(i, old, fresh) {
      if (i < outLength) return mix(old(i), colour, (i + 1) / (outLength + 1));
      if (i < outLength + empty) return colour;
      return mix(colour, fresh(i - outLength - empty), (i - outLength - empty + 1) / (inLength + 1));
    },
  };
}

/** A cut to black and, up to ten pictures later, a cut from it. */
export function gap(random: Random): Transition {
  const length = random.whole(1, 10);
  return { kind: 'black between', ...{ outLength: 0, inLength: 0, length, turn: length }, picture: () => plain(0) };
}

/** A random length, uniform on a logarithmic scale. */
function someLength(random: Random): number {
  return Math.round(SHORTEST * (LONGEST / SHORTEST) ** random.number());
}
