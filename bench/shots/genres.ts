import { COMMON, type EffectName } from './effects.ts';
import type { Random } from './random.ts';
import { cut, dissolve, fade, gap, type Transition, wipe } from './transitions.ts';

/** A genre: its transitions and its effects. */
export interface Genre {
  transition(random: Random): Transition;
  /** Effects, each with the share of shots that have it. */
  readonly effects: readonly EffectName[];
  readonly eventful: number;
  /** Share of the shots that are text on black, which fades in and out. */
  readonly cards: number;
  /** Least time between two transitions, in pictures and in seconds. */
  readonly leastFrames: number;
  readonly leastSec: number;
  /** Amplitude of a hand-held camera, as a share of the picture's width. */
  readonly handheld: number;
}

const ACTION = [
  'explosion',
  'gunfire',
  'shake',
  'whip pan',
  'object crossing',
  'smoke',
  'crash zoom',
  'flash',
] as const;

export const GENRES = {
  /** A little of everything. */
  mixed: {
    transition(random) {
      const kind = random.number();
      if (kind < 0.48) return cut('cut');
      if (kind < 0.58) return cut('cut to alike');
      if (kind < 0.78) return dissolve(random);
      if (kind < 0.86) return wipe(random);
      return fade(random);
    },
    ...{ effects: COMMON, eventful: 0.5, cards: 0, leastFrames: 8, leastSec: 0.45, handheld: 0 },
  },
  /** Shots of a few pictures, a hand-held camera, explosions. */
  battle: {
    transition(random) {
      const kind = random.number();
      if (kind < 0.93) return cut('cut');
      return kind < 0.97 ? dissolve(random) : fade(random);
    },
    ...{ effects: ACTION, eventful: 0.7, cards: 0, leastFrames: 6, leastSec: 0.25, handheld: 0.05 },
  },
  /** Quiet scenes with motion and lamps, and repeated set-ups. */
  drama: {
    transition(random) {
      const kind = random.number();
      if (kind < 0.8) return cut('cut');
      if (kind < 0.87) return cut('cut to alike');
      return kind < 0.95 ? dissolve(random) : fade(random);
    },
    effects: ['lights', 'exposure', 'flicker', 'object crossing', 'focus', 'zoom', 'smoke', 'lightning', 'title'],
    ...{ eventful: 0.5, cards: 0, leastFrames: 12, leastSec: 0.6, handheld: 0.012 },
  },
  /** Pieces between short fades, black and text. */
  trailer: {
    transition(random) {
      const kind = random.number();
      if (kind < 0.35) return cut('cut');
      if (kind < 0.45) return gap(random);
      if (kind < 0.85) return fade(random, { longest: 12, whites: 0.15 });
      return kind < 0.97 ? dissolve(random) : fade(random);
    },
    effects: ['title', 'flash', 'lightning', 'explosion', 'zoom', 'object crossing', 'whip pan', 'crash zoom'],
    ...{ eventful: 0.4, cards: 0.12, leastFrames: 8, leastSec: 0.4, handheld: 0.01 },
  },
  /** Cuts only, with the effects of any film. */
  cuts: {
    transition: () => cut('cut'),
    ...{ effects: COMMON, eventful: 0.3, cards: 0, leastFrames: 20, leastSec: 1, handheld: 0 },
  },
  /** Cuts only, and no effects but those on the whole film. */
  'quiet cuts': {
    transition: () => cut('cut'),
    ...{ effects: COMMON, eventful: 0, cards: 0, leastFrames: 20, leastSec: 1, handheld: 0.004 },
  },
} satisfies Record<string, Genre>;

export type GenreName = keyof typeof GENRES;
