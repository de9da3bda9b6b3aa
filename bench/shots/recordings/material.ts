import type { Random } from '../random.ts';
import type { SPLITS } from '../sources.ts';

/** Colours and fonts of slides and windows. */
export interface Theme {
  /** SVG elements of the background. */
  readonly background: string;
  readonly ink: string;
  readonly title: string;
  readonly accent: string;
  readonly font: string;
  /** Baseline of the title, in pixels. */
  readonly titleY: number;
  /** Left edge of the content, in pixels. */
  readonly left: number;
}

const fill = (colour: string) => `<rect width="640" height="360" fill="${colour}"/>`;
const bar = (x: number, y: number, width: number, height: number, colour: string) =>
  `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${colour}"/>`;
const gradient = (from: string, to: string, direction: string) =>
  `<defs><linearGradient id="g" ${direction}><stop stop-color="${from}"/><stop offset="1" stop-color="${to}"/></linearGradient></defs>${fill('url(#g)')}`;
const [ACROSS, DOWN, DIAGONAL] = ['x2="1" y2="0"', 'x2="0" y2="1"', 'x2="1" y2="1"'];

/** Themes and words of the recordings. The two splits share none. */
export const MATERIAL: Readonly<Record<keyof typeof SPLITS, { themes: readonly Theme[]; words: readonly string[] }>> = {
  tuning: {
    themes: [
      {
        background: fill('#fdfdfd') + bar(0, 0, 640, 44, '#1f4e9c'),
        ...{ ink: '#161616', title: '#ffffff', accent: '#1f4e9c', font: 'DejaVu Sans', titleY: 30, left: 40 },
      },
      {
        background: fill('#1c1d22'),
        ...{ ink: '#e4e4e4', title: '#ffb347', accent: '#ffb347', font: 'DejaVu Sans', titleY: 48, left: 48 },
      },
      {
        background: gradient('#0b6e6e', '#0f2b4a', DIAGONAL) + bar(40, 60, 560, 2, '#ffffff'),
        ...{ ink: '#f2f7f7', title: '#ffffff', accent: '#ffd54a', font: 'DejaVu Sans', titleY: 46, left: 40 },
      },
      {
        background: fill('#f6efdf') + bar(0, 346, 640, 14, '#8c2f1b'),
        ...{ ink: '#3a2a20', title: '#8c2f1b', accent: '#c46a2b', font: 'DejaVu Serif', titleY: 52, left: 60 },
      },
      {
        background: fill('#ffffff'),
        ...{ ink: '#333333', title: '#111111', accent: '#d62f6b', font: 'DejaVu Sans', titleY: 50, left: 30 },
      },
    ],
    words: (
      'revenue pipeline cluster margin forecast index hiring policy vector review launch budget storage network region ' +
      'signal growth server query customer roadmap quarter risk segment plan the for and with more than over in market'
    ).split(' '),
  },
  report: {
    themes: [
      {
        background: fill('#ffffff') + bar(0, 0, 26, 360, '#2e7d32') + bar(26, 330, 614, 1, '#999999'),
        ...{ ink: '#222222', title: '#2e7d32', accent: '#81a94b', font: 'DejaVu Sans', titleY: 44, left: 56 },
      },
      {
        background: fill('#000000') + bar(30, 66, 580, 1, '#5a5aff'),
        ...{ ink: '#cfd3ff', title: '#ffffff', accent: '#5a5aff', font: 'DejaVu Sans Mono', titleY: 50, left: 30 },
      },
      {
        background: gradient('#5b2a86', '#c2366b', ACROSS),
        ...{ ink: '#fff3fb', title: '#ffe9a8', accent: '#8ff0e0', font: 'DejaVu Serif', titleY: 54, left: 50 },
      },
      {
        background: fill('#e9ebee') + bar(0, 326, 640, 34, '#44546a') + bar(566, 332, 60, 22, '#ed7d31'),
        ...{ ink: '#262626', title: '#44546a', accent: '#ed7d31', font: 'DejaVu Sans', titleY: 46, left: 36 },
      },
      {
        background: gradient('#ffffff', '#dfe9f5', DOWN),
        ...{ ink: '#203040', title: '#0a3055', accent: '#2a9df4', font: 'DejaVu Sans', titleY: 56, left: 70 },
      },
    ],
    words: (
      'enzyme tissue neuron lattice orbital glacier sediment habitat protein catalyst membrane spectrum photon basin ' +
      'tectonic species genome reactor isotope diffusion theorem sample of between when on to by an after mean'
    ).split(' '),
  },
};

/** A phrase of `least` to `most` words. */
export function phrase(random: Random, words: readonly string[], least: number, most: number): string {
  return Array.from({ length: random.whole(least, most) }, () => random.pick(words)).join(' ');
}
