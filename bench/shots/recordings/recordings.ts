import { join } from 'node:path';
import { type Codec, type Encoding, writeFilm } from '../encode.ts';
import { type Film, makeFilm } from '../film.ts';
import { PLAIN, type Split } from '../films.ts';
import { OUT_DIR } from '../out.ts';
import { HEIGHT as FOOTAGE_HEIGHT, WIDTH as FOOTAGE_WIDTH, type Rgb } from '../picture.ts';
import { seeded } from '../random.ts';
import type { Shot } from '../sources.ts';
import { videoCall } from './calls.ts';
import { HEIGHT, WIDTH } from './canvas.ts';
import { played, talkingHead } from './footage.ts';
import { boxOf, framed, type Surround, surroundOf } from './frames.ts';
import { type Strobe, underStrobe } from './lights.ts';
import { MATERIAL } from './material.ts';
import { screenRecording } from './screens.ts';
import { type Layout, slideDeck } from './slides.ts';

/** Kinds of recordings. */
export const RECORDING_KINDS = ['slides', 'screens', 'calls', 'frames', 'strobes', 'dark'] as const;
export type RecordingKind = (typeof RECORDING_KINDS)[number];

/** A recording to be made, and how it is written. */
export interface RecordingRecipe {
  readonly name: string;
  readonly kind: RecordingKind;
  readonly encoding: Encoding;
  make(
    shots: readonly Shot[],
  ): Promise<Pick<Film, 'truth' | 'distractions'> & { pictures(): Iterable<Rgb> | AsyncIterable<Rgb> }>;
}

const DURATION_SEC = 60;
const FIRST_SEED: Readonly<Record<Split, number>> = { tuning: 5000, report: 7000 };

/** Parameters of each recording of a kind; the two splits differ in them as well as in seeds and material. */
const SLIDES: Readonly<Record<Split, readonly SlideStyle[]>> = {
  tuning: [
    { rate: 25, pointing: 'mouse', inset: 'none', dissolves: 0, layouts: ['bullets', 'section'] },
    { rate: 30, pointing: 'laser', inset: 'none', dissolves: 0, layouts: ['bullets', 'columns', 'photo'] },
    {
      rate: 15,
      pointing: 'mouse',
      inset: 'head',
      dissolves: 0.3,
      layouts: ['bullets', 'bar chart', 'table'],
      codec: 'mpeg4',
    },
    { rate: 24, pointing: 'none', inset: 'head', dissolves: 0, layouts: ['bar chart', 'line chart', 'pie chart'] },
    {
      rate: 10,
      pointing: 'laser',
      inset: 'none',
      dissolves: 0.2,
      layouts: ['columns', 'table', 'pie chart', 'section'],
      codec: 'h264 low',
    },
    {
      rate: 30,
      pointing: 'mouse',
      inset: 'shot',
      dissolves: 0,
      layouts: ['bullets', 'photo', 'line chart', 'section'],
    },
  ],
  report: [
    { rate: 30, pointing: 'laser', inset: 'none', dissolves: 0, layouts: ['bullets', 'columns', 'section'] },
    { rate: 25, pointing: 'mouse', inset: 'head', dissolves: 0, layouts: ['bullets', 'table', 'photo'] },
    {
      rate: 12,
      pointing: 'none',
      inset: 'none',
      dissolves: 0.3,
      layouts: ['line chart', 'bar chart', 'bullets'],
      codec: 'mpeg4',
    },
    { rate: 24, pointing: 'laser', inset: 'shot', dissolves: 0.2, layouts: ['bullets', 'pie chart', 'columns'] },
    {
      rate: 25,
      pointing: 'mouse',
      inset: 'none',
      dissolves: 0,
      layouts: ['table', 'bar chart', 'pie chart', 'line chart'],
      codec: 'h264 low',
    },
    { rate: 15, pointing: 'mouse', inset: 'head', dissolves: 0, layouts: ['bullets', 'photo', 'section', 'columns'] },
  ],
};

interface SlideStyle {
  readonly rate: number;
  readonly pointing: 'mouse' | 'laser' | 'none';
  readonly inset: 'none' | 'head' | 'shot';
  readonly dissolves: number;
  readonly layouts: readonly Layout[];
  readonly codec?: Codec;
}

const SCREENS: Readonly<
  Record<Split, readonly { app: 'code' | 'article' | 'terminal'; rate: number; codec?: Codec }[]>
> = {
  tuning: [
    { app: 'code', rate: 15 },
    { app: 'article', rate: 30 },
    { app: 'terminal', rate: 25, codec: 'mpeg4' },
    { app: 'article', rate: 24, codec: 'h264 low' },
  ],
  report: [
    { app: 'article', rate: 25 },
    { app: 'code', rate: 30, codec: 'h264 low' },
    { app: 'terminal', rate: 12 },
    { app: 'code', rate: 20, codec: 'mpeg4' },
  ],
};

const CALLS: Readonly<
  Record<
    Split,
    readonly { people: number; layout: 'speaker' | 'gallery'; isShared: boolean; rate: number; background: string }[]
  >
> = {
  tuning: [
    { people: 4, layout: 'speaker', isShared: false, rate: 25, background: '#202124' },
    { people: 4, layout: 'gallery', isShared: true, rate: 30, background: '#1a1a1a' },
    { people: 3, layout: 'speaker', isShared: true, rate: 15, background: '#e8eaed' },
  ],
  report: [
    { people: 3, layout: 'speaker', isShared: false, rate: 30, background: '#0b0b12' },
    { people: 5, layout: 'gallery', isShared: true, rate: 24, background: '#2d2f3a' },
    { people: 4, layout: 'speaker', isShared: true, rate: 20, background: '#f4f4f4' },
  ],
};

interface FrameStyle {
  readonly share: number;
  readonly surround: Surround;
  readonly hasClock?: true;
  readonly rate: number;
  readonly paceSec: number;
  readonly codec?: Codec;
}

interface DarkStyle {
  readonly light: number;
  readonly grain: number;
  readonly rate: number;
  readonly codec: Codec;
  readonly paceSec: number;
}

type StrobeStyle = Strobe & { readonly rate: number };

const FRAMES: Readonly<Record<Split, readonly FrameStyle[]>> = {
  tuning: [
    { share: 0.25, surround: 'lines', rate: 25, paceSec: 4 },
    { share: 0.36, surround: 'news', hasClock: true, rate: 25, paceSec: 3 },
    { share: 0.5, surround: 'texture', rate: 30, paceSec: 3 },
    { share: 0.65, surround: 'plain', rate: 24, paceSec: 2, codec: 'mpeg4' },
    { share: 0.8, surround: 'shelf', rate: 25, paceSec: 3 },
    { share: 0.9, surround: 'news', rate: 30, paceSec: 2, codec: 'h264 low' },
  ],
  report: [
    { share: 0.28, surround: 'news', rate: 30, paceSec: 4 },
    { share: 0.4, surround: 'shelf', rate: 24, paceSec: 3, codec: 'h264 low' },
    { share: 0.45, surround: 'lines', hasClock: true, rate: 25, paceSec: 3 },
    { share: 0.58, surround: 'news', hasClock: true, rate: 25, paceSec: 2, codec: 'mpeg4' },
    { share: 0.72, surround: 'plain', rate: 30, paceSec: 3 },
    { share: 0.86, surround: 'texture', rate: 24, paceSec: 2 },
  ],
};

const STROBES: Readonly<Record<Split, readonly StrobeStyle[]>> = {
  tuning: [
    { kind: 'flash', hertz: 5, duty: 0.4, gain: 3.5, rate: 25 },
    { kind: 'dark', hertz: 2, duty: 0.3, gain: 8, rate: 30 },
    { kind: 'flash', hertz: 10, duty: 0.3, gain: 2.2, rate: 30 },
    { kind: 'colours', hertz: 3, duty: 0.5, gain: 1, rate: 25 },
    { kind: 'dark', hertz: 7, duty: 0.4, gain: 4, rate: 24 },
  ],
  report: [
    { kind: 'flash', hertz: 8, duty: 0.35, gain: 3, rate: 30 },
    { kind: 'dark', hertz: 4, duty: 0.4, gain: 6, rate: 25 },
    { kind: 'flash', hertz: 3, duty: 0.25, gain: 4.5, rate: 24 },
    { kind: 'colours', hertz: 6, duty: 0.5, gain: 1, rate: 30 },
    { kind: 'dark', hertz: 12, duty: 0.5, gain: 5, rate: 50 },
  ],
};

const DARK: Readonly<Record<Split, readonly DarkStyle[]>> = {
  tuning: [
    { light: 0.12, grain: 6, rate: 25, codec: 'h264', paceSec: 6 },
    { light: 0.18, grain: 10, rate: 30, codec: 'h264 low', paceSec: 5 },
    { light: 0.1, grain: 4, rate: 24, codec: 'mpeg4', paceSec: 20 },
  ],
  report: [
    { light: 0.15, grain: 8, rate: 25, codec: 'h264', paceSec: 6 },
    { light: 0.11, grain: 5, rate: 30, codec: 'h264', paceSec: 20 },
    { light: 0.2, grain: 12, rate: 24, codec: 'mpeg4', paceSec: 5 },
  ],
};

/** More of the tuning half. They come after all others, whose seeds count from the start. */
const MORE_FRAMES: readonly FrameStyle[] = [
  { share: 0.32, surround: 'shelf', rate: 30, paceSec: 3 },
  { share: 0.6, surround: 'lines', rate: 25, paceSec: 3, codec: 'h264 low' },
  { share: 0.75, surround: 'news', hasClock: true, rate: 24, paceSec: 2, codec: 'mpeg4' },
];
const MORE_STROBES: readonly StrobeStyle[] = [
  { kind: 'flash', hertz: 4, duty: 0.3, gain: 4, rate: 30 },
  { kind: 'dark', hertz: 10, duty: 0.5, gain: 6, rate: 50 },
  { kind: 'colours', hertz: 5, duty: 0.4, gain: 1, rate: 24 },
  { kind: 'flash', hertz: 7, duty: 0.4, gain: 2.7, rate: 25 },
  { kind: 'dark', hertz: 3, duty: 0.5, gain: 5, rate: 25 },
  { kind: 'flash', hertz: 2.5, duty: 0.2, gain: 5, rate: 25 },
];
const MORE_DARK: readonly DarkStyle[] = [
  { light: 0.14, grain: 9, rate: 24, codec: 'mpeg4', paceSec: 4 },
  { light: 0.22, grain: 14, rate: 25, codec: 'h264', paceSec: 4 },
  { light: 0.16, grain: 7, rate: 30, codec: 'h264 low', paceSec: 8 },
];
const STILL_MORE_FRAMES: readonly FrameStyle[] = [
  { share: 0.22, surround: 'shelf', rate: 24, paceSec: 3 },
  { share: 0.42, surround: 'texture', rate: 30, paceSec: 2, codec: 'h264 low' },
  { share: 0.55, surround: 'shelf', rate: 25, paceSec: 2.5 },
  { share: 0.7, surround: 'texture', rate: 24, paceSec: 3, codec: 'mpeg4' },
  { share: 0.3, surround: 'plain', rate: 25, paceSec: 3 },
];
const STILL_MORE_STROBES: readonly StrobeStyle[] = [
  { kind: 'dark', hertz: 6, duty: 0.3, gain: 7, rate: 25 },
  { kind: 'dark', hertz: 9, duty: 0.4, gain: 5.5, rate: 30 },
  { kind: 'flash', hertz: 6, duty: 0.25, gain: 3.8, rate: 24 },
  { kind: 'colours', hertz: 4, duty: 0.5, gain: 1, rate: 30 },
  { kind: 'dark', hertz: 5, duty: 0.25, gain: 9, rate: 24 },
];
const STILL_MORE_DARK: readonly DarkStyle[] = [
  { light: 0.13, grain: 6, rate: 24, codec: 'h264', paceSec: 4 },
  { light: 0.17, grain: 11, rate: 25, codec: 'mpeg4', paceSec: 4 },
  { light: 0.1, grain: 8, rate: 30, codec: 'h264', paceSec: 5 },
];

export function recordings(split: Split): RecordingRecipe[] {
  const { themes, words } = MATERIAL[split];
  const out: RecordingRecipe[] = [];
  const plan = (
    kind: RecordingKind,
    rate: number,
    codec: Codec,
    isSmall: boolean,
    make: (seed: number) => RecordingRecipe['make'],
  ) => {
    const seed = FIRST_SEED[split] + out.length;
    const [width, height] = isSmall ? [426, 240] : [WIDTH, HEIGHT];
    const number = out.filter((other) => other.kind === kind).length + 1;
    out.push({
      name: `${split}-${kind}-${number}`,
      kind,
      encoding: { codec, rate, width, height, isVariable: false },
      make: make(seed),
    });
  };
  const film = (shots: readonly Shot[], seed: number, look: Partial<typeof PLAIN>) =>
    makeFilm(shots, { ...PLAIN, genre: 'cuts', ...look }, seed, DURATION_SEC);

  SLIDES[split].forEach(({ inset, codec = 'h264', ...style }, i) => {
    plan('slides', style.rate, codec, false, (seed) => (shots) => {
      const random = seeded(seed);
      const footage = {
        none: undefined,
        head: talkingHead(random),
        shot: played(random.pick(shots.filter(({ length }) => length > 100))),
      }[inset];
      return slideDeck({
        ...style,
        random,
        theme: themes[i % themes.length]!,
        words,
        shots,
        inset: footage,
        durationSec: DURATION_SEC,
      });
    });
  });
  SCREENS[split].forEach(({ app, rate, codec = 'h264' }, i) => {
    plan(
      'screens',
      rate,
      codec,
      false,
      (seed) => () =>
        screenRecording({
          random: seeded(seed),
          words,
          theme: themes[(i + 1) % themes.length]!,
          rate,
          durationSec: DURATION_SEC,
          app,
        }),
    );
  });
  CALLS[split].forEach(({ people, layout, isShared, rate, background }) => {
    plan('calls', rate, 'h264', false, (seed) => async (shots) => {
      const random = seeded(seed);
      const faces = Array.from({ length: people }, (_, i) =>
        i === 1 ? played(random.pick(shots.filter(({ length }) => length > 100))) : talkingHead(random),
      );
      const theme = random.pick(themes);
      const deck = await slideDeck({
        random,
        theme,
        words,
        shots,
        rate,
        durationSec: 1,
        inset: undefined,
        dissolves: 0,
        pointing: 'none',
        layouts: ['bullets', 'bar chart'],
      });
      const [shared] = deck.pictures();
      return videoCall({
        random,
        people: faces,
        names: words,
        background,
        rate,
        durationSec: DURATION_SEC,
        layout,
        shared: isShared ? shared : undefined,
      });
    });
  });
  const planFrame = ({ share, surround, hasClock, rate, paceSec, codec = 'h264' }: FrameStyle, i: number) =>
    plan('frames', rate, codec, false, (seed) => async (shots) => {
      const random = seeded(seed);
      const inner = film(shots, seed, { rate, paceSec });
      const clock = (sec: number) =>
        `<text x="560" y="28" font-size="16" fill="#ffffff" font-family="DejaVu Sans">12:${10 + Math.floor(sec / 60)}:${`${sec % 60}`.padStart(2, '0')}</text>`;
      const theme = themes[i % themes.length]!;
      const pictures = await framed(
        inner,
        rate,
        boxOf(random, share),
        surroundOf(random, surround, theme, words),
        hasClock && clock,
      );
      return { ...inner, pictures };
    });
  const planStrobe = ({ rate, ...strobe }: StrobeStyle) =>
    plan(
      'strobes',
      rate,
      'h264',
      true,
      (seed) => async (shots) =>
        underStrobe(
          film(shots, seed, { genre: 'quiet cuts', rate, paceSec: 3, light: strobe.kind === 'flash' ? 0.6 : 1 }),
          rate,
          strobe,
          seeded(seed),
        ),
    );
  const planDark = ({ codec, ...look }: DarkStyle) =>
    plan(
      'dark',
      look.rate,
      codec,
      true,
      (seed) => async (shots) => film(shots, seed, { ...look, genre: 'quiet cuts' }),
    );
  FRAMES[split].forEach(planFrame);
  STROBES[split].forEach(planStrobe);
  DARK[split].forEach(planDark);
  if (split === 'tuning') {
    MORE_FRAMES.forEach(planFrame);
    MORE_STROBES.forEach(planStrobe);
    MORE_DARK.forEach(planDark);
    STILL_MORE_FRAMES.forEach(planFrame);
    STILL_MORE_STROBES.forEach(planStrobe);
    STILL_MORE_DARK.forEach(planDark);
  }
  return out;
}

export function recordingFiles({ name, encoding: { codec } }: RecordingRecipe): { film: string; truth: string } {
  return { film: join(OUT_DIR, `${name}.${codec === 'mpeg4' ? 'avi' : 'mp4'}`), truth: join(OUT_DIR, `${name}.json`) };
}

export async function writeRecording(
  recipe: RecordingRecipe,
  pictures: Iterable<Rgb> | AsyncIterable<Rgb>,
): Promise<void> {
  const isSmall = recipe.kind === 'strobes' || recipe.kind === 'dark';
  const size = isSmall ? { width: FOOTAGE_WIDTH, height: FOOTAGE_HEIGHT } : { width: WIDTH, height: HEIGHT };
  await writeFilm(recordingFiles(recipe).film, pictures, recipe.encoding, size);
}
