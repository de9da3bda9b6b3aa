import type { Codec } from '../encode.ts';
import type { Split } from '../films.ts';
import type { Surround } from './frames.ts';
import type { Strobe } from './lights.ts';
import type { Layout } from './slides.ts';

/** A slide deck. */
export interface SlideStyle {
  /** Pictures per second, like every `rate` below. */
  readonly rate: number;
  readonly pointing: 'mouse' | 'laser' | 'none';
  /** A talking head or a shot of the test media in a corner. */
  readonly inset: 'none' | 'head' | 'shot';
  /** Share of slides that replace the one before in a dissolve. */
  readonly dissolves: number;
  readonly layouts: readonly Layout[];
  readonly codec?: Codec;
}

/** A screen recording. */
export interface ScreenStyle {
  readonly app: 'code' | 'article' | 'terminal';
  readonly rate: number;
  readonly codec?: Codec;
}

/** A video call. */
export interface CallStyle {
  /** Number of participants. */
  readonly people: number;
  readonly layout: 'speaker' | 'gallery';
  /** True if a screen is shared for part of the call. */
  readonly isShared: boolean;
  readonly rate: number;
  /** Colour of the window, in hexadecimal. */
  readonly background: string;
}

/** A film inside a still frame. */
export interface FrameStyle {
  /** Area of the film as a share of the picture's area. */
  readonly share: number;
  readonly surround: Surround;
  /** True if a clock in the surroundings counts the seconds. */
  readonly hasClock?: true;
  readonly rate: number;
  /** Mean length of a shot, in seconds. */
  readonly paceSec: number;
  readonly codec?: Codec;
}

/** A film under stage lights. */
export type StrobeStyle = Strobe & { readonly rate: number };

/** A film in the dark. */
export interface DarkStyle {
  /** Factor of the luma. */
  readonly light: number;
  /** Amplitude of the noise, in steps of 8 bits. */
  readonly grain: number;
  readonly rate: number;
  readonly codec: Codec;
  /** Mean length of a shot, in seconds. */
  readonly paceSec: number;
}

/** Styles of one kind; the splits differ in them as well as in seeds and material. */
type BySplit<Style> = Readonly<Record<Split, readonly Style[]>>;

export const SLIDES: BySplit<SlideStyle> = {
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

export const SCREENS: BySplit<ScreenStyle> = {
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

export const CALLS: BySplit<CallStyle> = {
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

export const FRAMES: BySplit<FrameStyle> = {
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

export const STROBES: BySplit<StrobeStyle> = {
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

export const DARK: BySplit<DarkStyle> = {
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

/** Further rounds of the tuning split. They come after all other recordings, because seeds are numbered from the start. */
export const FURTHER_TUNING: readonly {
  readonly frames: readonly FrameStyle[];
  readonly strobes: readonly StrobeStyle[];
  readonly dark: readonly DarkStyle[];
}[] = [
  {
    frames: [
      { share: 0.32, surround: 'shelf', rate: 30, paceSec: 3 },
      { share: 0.6, surround: 'lines', rate: 25, paceSec: 3, codec: 'h264 low' },
      { share: 0.75, surround: 'news', hasClock: true, rate: 24, paceSec: 2, codec: 'mpeg4' },
    ],
    strobes: [
      { kind: 'flash', hertz: 4, duty: 0.3, gain: 4, rate: 30 },
      { kind: 'dark', hertz: 10, duty: 0.5, gain: 6, rate: 50 },
      { kind: 'colours', hertz: 5, duty: 0.4, gain: 1, rate: 24 },
      { kind: 'flash', hertz: 7, duty: 0.4, gain: 2.7, rate: 25 },
      { kind: 'dark', hertz: 3, duty: 0.5, gain: 5, rate: 25 },
      { kind: 'flash', hertz: 2.5, duty: 0.2, gain: 5, rate: 25 },
    ],
    dark: [
      { light: 0.14, grain: 9, rate: 24, codec: 'mpeg4', paceSec: 4 },
      { light: 0.22, grain: 14, rate: 25, codec: 'h264', paceSec: 4 },
      { light: 0.16, grain: 7, rate: 30, codec: 'h264 low', paceSec: 8 },
    ],
  },
  {
    frames: [
      { share: 0.22, surround: 'shelf', rate: 24, paceSec: 3 },
      { share: 0.42, surround: 'texture', rate: 30, paceSec: 2, codec: 'h264 low' },
      { share: 0.55, surround: 'shelf', rate: 25, paceSec: 2.5 },
      { share: 0.7, surround: 'texture', rate: 24, paceSec: 3, codec: 'mpeg4' },
      { share: 0.3, surround: 'plain', rate: 25, paceSec: 3 },
    ],
    strobes: [
      { kind: 'dark', hertz: 6, duty: 0.3, gain: 7, rate: 25 },
      { kind: 'dark', hertz: 9, duty: 0.4, gain: 5.5, rate: 30 },
      { kind: 'flash', hertz: 6, duty: 0.25, gain: 3.8, rate: 24 },
      { kind: 'colours', hertz: 4, duty: 0.5, gain: 1, rate: 30 },
      { kind: 'dark', hertz: 5, duty: 0.25, gain: 9, rate: 24 },
    ],
    dark: [
      { light: 0.13, grain: 6, rate: 24, codec: 'h264', paceSec: 4 },
      { light: 0.17, grain: 11, rate: 25, codec: 'mpeg4', paceSec: 4 },
      { light: 0.1, grain: 8, rate: 30, codec: 'h264', paceSec: 5 },
    ],
  },
];
