import { card } from './cards.ts';
import { type EffectName, type Take, withEffect } from './effects.ts';
import { type Finish, finisher } from './finish.ts';
import { GENRES, type Genre, type GenreName } from './genres.ts';
import { BYTES, HEIGHT, map, type Rgb, view, WIDTH } from './picture.ts';
import { type Random, seeded } from './random.ts';
import type { Shot } from './sources.ts';
import { cut, type Transition } from './transitions.ts';

/** Properties of a whole film. */
export interface Look extends Finish {
  readonly genre: GenreName;
  /** Pictures per second. */
  readonly rate: number;
  /** Mean time between two transitions, in seconds. */
  readonly paceSec: number;
  /** Factor by which real shots are played faster. */
  readonly speed: number;
  /** Number of times each picture of a shot is repeated: animation on twos or threes. */
  readonly hold: number;
  /** Factor on all values of shots. Text, flashes and fades keep their brightness. */
  readonly light: number;
  /** True if colours of shots are few and flat, as in drawings. */
  readonly isDrawn: boolean;
  /** True for black and white. */
  readonly isGrey: boolean;
  /** Share of the width of shots that is shown. A small share makes them plain or blurred. */
  readonly near: number;
}

/** A boundary of the ground truth, in numbers of pictures as in the tables of the test media. */
export interface Truth {
  readonly kind: Transition['kind'];
  readonly frame: number;
  readonly start: number;
  readonly end: number;
}

/** Events in recordings that are not boundaries. */
export type RecordingEvent = 'build-up' | 'pointer' | 'scrolling' | 'typing' | 'dialog' | 'speaker';

/** An event that is not a boundary. */
export interface Distraction {
  readonly kind: EffectName | RecordingEvent;
  readonly start: number;
  readonly end: number;
}

export interface Film {
  readonly truth: readonly Truth[];
  readonly distractions: readonly Distraction[];
  pictures(): Generator<Rgb>;
}

/** Distance of the colour values of drawings, in steps of 8 bits. */
const DRAWN_STEP = 48;

/** Minimum duration of a shot that is played back and forth, in seconds: a shorter one would repeat a fast move too often. */
const MIN_REVERSIBLE_SEC = 5;

/** Composes a film out of shots. The same seed gives the same film. */
export function makeFilm(sources: readonly Shot[], look: Look, seed: number, durationSec: number): Film {
  const random = seeded(seed);
  const shots = inStyle(sources, look);
  const genre: Genre = GENRES[look.genre];
  const truth: Truth[] = [];
  const distractions: Distraction[] = [];
  const parts: { count: number; picture: (i: number) => Rgb }[] = [];
  let end = 0;
  let incoming = cut('cut');
  let shot: Shot | undefined;
  let takesAlike: Take | undefined;
  let last: { take: Take; played: number } | undefined;
  while (end < durationSec * look.rate) {
    const outgoing = genre.transition(random);
    const seen = genre.leastSec + (look.paceSec - genre.leastSec) * -Math.log(1 - random.number(0, 0.95));
    const body = Math.max(genre.leastFrames, Math.round(seen * look.rate));
    const length = incoming.inLength + body + outgoing.outLength;
    // The next take may be from the same shot.
    const isCard = genre.cards > 0 && last && !takesAlike && random.chance(genre.cards);
    const needed = length + (outgoing.kind === 'cut to alike' ? 2 * look.paceSec * look.rate : 0);
    if (!takesAlike || !shot) shot = pickShot(shots, shot, needed, look, random);
    const place = { random, from: incoming.inLength, body };
    const current: Take =
      takesAlike ??
      (isCard ? card({ ...place, rate: look.rate }) : someTake({ ...place, shot, shots, look, genre, length }));
    if (last) {
      const [old, way, played] = [last.take, incoming, last.played];
      const start = end;
      parts.push({
        count: way.length,
        picture: (i) => way.picture(i, (k) => old.picture(played + k), current.picture),
      });
      end += way.length;
      const [goes, appears] = [old.goes ?? 0, current.appears ?? 0];
      const kind = goes + appears > 0 ? 'title' : way.kind;
      truth.push({ kind, frame: start + way.turn, start: start - goes, end: end + appears });
    }
    const first = incoming.inLength;
    if (current.effect !== 'nothing') distractions.push({ kind: current.effect, start: end, end: end + body });
    parts.push({ count: body, picture: (i) => current.picture(first + i) });
    end += body;
    last = { take: current, played: first + body };
    takesAlike = outgoing.kind === 'cut to alike' && !isCard ? alike(current, first + body, random) : undefined;
    incoming = outgoing;
  }
  const finish = finisher(look, random);
  return {
    truth,
    distractions,
    *pictures() {
      let before: Rgb | undefined;
      for (const { count, picture } of parts) {
        for (let i = 0; i < count; i++) {
          const now = picture(i);
          yield finish(now, before ?? now);
          before = now;
        }
      }
    },
  };
}

/** Shots in the style of the film: magnified, drawn, grey or darkened. */
function inStyle(shots: readonly Shot[], { isDrawn, isGrey, light, near }: Look): readonly Shot[] {
  if (!isDrawn && !isGrey && light === 1 && near === 1) return shots;
  const styled = (value: number) => (isDrawn ? Math.round(value / DRAWN_STEP) * DRAWN_STEP : value) * light;
  return shots.map((shot, number) => ({
    ...shot,
    picture(i) {
      const whole = shot.picture(i);
      // Shows another part of each shot.
      const picture =
        near === 1 ? whole : view(whole, ((number * 0.37) % 1) * (1 - near), ((number * 0.61) % 1) * (1 - near), near);
      if (!isGrey) return picture.map(styled);
      return map(picture, (_, row, column) => styled(picture[(row * WIDTH + column) * 3 + 1]!));
    },
  }));
}

/** Chooses another shot that is long enough for the take, or to be played back and forth. */
function pickShot(shots: readonly Shot[], last: Shot | undefined, pictures: number, look: Look, random: Random): Shot {
  const needed = ({ rate }: Shot) => Math.min(MIN_REVERSIBLE_SEC * rate, (pictures * rate * look.speed) / look.rate);
  return random.pick(shots.filter((shot) => shot !== last && (shot.length === 1 || shot.length >= needed(shot))));
}

interface TakeOptions {
  readonly shot: Shot;
  readonly shots: readonly Shot[];
  readonly look: Look;
  readonly genre: Genre;
  readonly random: Random;
  readonly length: number;
  /** First picture that is shown without a transition. */
  readonly from: number;
  /** Pictures that are shown without a transition. */
  readonly body: number;
}

/** Part of a shot, about every second one with an effect. A shot that is too short is played back and forth. */
function someTake({ shot, shots, look, genre, random, length, from, body }: TakeOptions): Take {
  const step = (shot.rate / look.rate) * look.speed;
  const start = random.number(0, Math.max(0, shot.length - 1 - length * step));
  const last = shot.length - 1;
  const turned = (at: number) => (last === 0 ? 0 : last - Math.abs((at % (2 * last)) - last));
  const shown = (i: number) => Math.floor(turned(start + Math.floor(i / look.hold) * look.hold * step));
  let take: Take = { effect: 'nothing', picture: (i) => shot.picture(shown(i)) };
  if (shot.length === 1) take = overPhotograph(take, look, random);
  if (genre.handheld > 0) take = inTheHand(take, genre.handheld, look, random);
  if (random.chance(1 - genre.eventful)) return take;
  const other = random.pick(shots.filter((one) => one !== shot)).picture(0);
  return withEffect(take, random.pick(genre.effects), {
    start: from + Math.round(body * random.number(0.15, 0.5)),
    duration: Math.max(2, Math.round(Math.min(body * 0.8, look.rate * random.number(0.3, 2)))),
    rate: look.rate,
    ...{ random, other },
  });
}

/** Slow pan and zoom over a photograph. */
function overPhotograph(take: Take, { rate }: Look, random: Random): Take {
  const [left, top, scale] = [random.number(0, 0.2), random.number(0, 0.2), random.number(0.5, 0.8)];
  const [across, closer] = [random.number(-0.06, 0.06) / rate, random.number(-0.05, 0.05) / rate];
  return { ...take, picture: (i) => view(take.picture(i), left + across * i, top, Math.max(0.3, scale + closer * i)) };
}

/** A hand-held camera: slow and fast waves across and down, all of different frequency. */
function inTheHand(take: Take, far: number, { rate }: Look, random: Random): Take {
  const waves = [0, 1].map(() =>
    [0.4, 1.1, 2.7, 5].map((hertz) => ({
      speed: (2 * Math.PI * hertz * random.number(0.6, 1.5)) / rate,
      phase: random.number(0, 2 * Math.PI),
      far: far / (0.5 + hertz),
    })),
  );
  const [x, y] = waves.map(
    (ones) => (i: number) => ones.reduce((sum, { speed, phase, far }) => sum + far * Math.sin(speed * i + phase), 0),
  );
  return { ...take, picture: (i) => view(take.picture(i), 0.06 + x!(i), 0.06 + y!(i), 0.88) };
}

/** The same scene magnified or mirrored, continued from the end of the last take. */
function alike(take: Take, from: number, random: Random): Take {
  const scale = random.number(0.5, 0.72);
  const [left, top] = [random.number(0, 1 - scale), random.number(0, 1 - scale)];
  const isMirrored = random.chance(0.3);
  return {
    effect: 'nothing',
    picture(i) {
      const picture = take.picture(from + i);
      return isMirrored ? mirrored(picture) : view(picture, left, top, scale);
    },
  };
}

function mirrored(picture: Rgb): Rgb {
  const out = new Uint8ClampedArray(BYTES);
  for (let row = 0; row < HEIGHT; row++) {
    for (let column = 0; column < WIDTH; column++) {
      const from = (row * WIDTH + WIDTH - 1 - column) * 3;
      out.set(picture.subarray(from, from + 3), (row * WIDTH + column) * 3);
    }
  }
  return out;
}
