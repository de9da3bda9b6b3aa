import { blur, choose, HEIGHT, map, mix, plain, type Rgb, view, WIDTH } from './picture.ts';
import type { Random } from './random.ts';

/** A part of a film with random access to its pictures. */
export interface Take {
  /** The distraction in it, if any: an event that is not a boundary. */
  readonly effect: EffectName | 'nothing';
  picture(index: number): Rgb;
  /** Pictures that it needs to appear, and to disappear, by itself: a card's text fades in on black. */
  readonly appears?: number;
  readonly goes?: number;
}

/** Place of an effect in a take: `duration` pictures from `start` on. */
interface Moment {
  readonly start: number;
  readonly duration: number;
  /** Pictures per second. */
  readonly rate: number;
  readonly random: Random;
  /** The first picture of another shot, from which objects are taken. */
  readonly other: Rgb;
}

/** Applies the effect to a picture of the take, `t` pictures after the start (negative before it). */
type Effect = (moment: Moment) => (picture: Rgb, t: number) => Rgb;

const progress = (t: number, duration: number) => Math.min(1, Math.max(0, t / duration));

/** Distractions: effects that are not boundaries. Speeds are shares of the picture's width. */
const EFFECTS = {
  /** A photographer's flash: one to three pictures. */
  flash({ rate, random }) {
    const pictures = Math.max(1, Math.round(random.number(0.02, 0.1) * rate));
    const strength = random.number(0.5, 0.95);
    return (picture, t) => (t >= 0 && t < pictures ? mix(picture, plain(255), strength) : picture);
  },
  /** Several strokes of lightning within half a second, stronger above. */
  lightning({ rate, random }) {
    const strokes = [0, random.number(0.1, 0.2), random.number(0.25, 0.45)].map((sec) => Math.round(sec * rate));
    const strength = random.number(80, 170);
    return (picture, t) => {
      const light = strokes.reduce((sum, at) => sum + (t < at ? 0 : strength * Math.exp(-(t - at) / (rate * 0.05))), 0);
      return light < 2 ? picture : map(picture, (value, row) => value + light * (1 - (0.7 * row) / HEIGHT));
    };
  },
  /** A whip pan over three quarters of a picture or more, with blur. */
  'whip pan': ({ rate, random }) => {
    const perPicture = (random.number(1, 4) * 0.6) / rate;
    const far = random.number(0.45, 0.9);
    const sign = random.chance(0.5) ? 1 : -1;
    const left = (t: number) => 0.2 + sign * Math.min(far, Math.max(0, t * perPicture));
    return (picture, t) => {
      if (left(t) === left(t - 0.9)) return view(picture, left(t), 0.2, 0.6);
      return blur([0, 0.3, 0.6, 0.9].map((back) => view(picture, left(t - back), 0.2, 0.6)));
    };
  },
  shake({ duration, random }) {
    const strength = random.number(0.01, 0.05);
    const offsets = Array.from({ length: duration }, () => [random.number(-1, 1), random.number(-1, 1)]);
    return (picture, t) => {
      const [x, y] = offsets[t] ?? [0, 0];
      return view(picture, 0.06 + x! * strength, 0.06 + y! * strength, 0.88);
    };
  },
  zoom({ duration, random }) {
    const closest = random.number(0.45, 0.8);
    const inwards = random.chance(0.6);
    return (picture, t) => {
      const share = progress(t, duration);
      const scale = 1 - (1 - closest) * (inwards ? share : 1 - share);
      return view(picture, (1 - scale) / 2, (1 - scale) / 2, scale);
    };
  },
  /** An object passes, a third to three quarters as wide as the picture. */
  'object crossing': ({ rate, random, other }) => {
    const thing = view(other, 0.2, 0.1, random.number(0.4, 0.8));
    const width = random.number(0.33, 0.75) * WIDTH;
    const perPicture = (random.number(0.4, 2) * WIDTH) / rate;
    const fromLeft = random.chance(0.5);
    return (picture, t) => {
      const left = fromLeft ? t * perPicture - width : WIDTH - t * perPicture;
      if (t < 0 || left > WIDTH || left < -width) return picture;
      const shifted = view(thing, -left / WIDTH, 0, 1);
      const isThing = (row: number, column: number) => {
        const x = ((column - left) / width) * 2 - 1;
        const y = (row - 0.6 * HEIGHT) / (0.55 * HEIGHT);
        return x ** 4 + y ** 4 < 1;
      };
      return choose(picture, shifted, isThing);
    };
  },
  exposure({ duration, random }) {
    const gain = random.chance(0.6) ? random.number(0.3, 0.6) : random.number(1.4, 2);
    return (picture, t) =>
      t <= 0 ? picture : map(picture, (value) => value * (1 + (gain - 1) * progress(t, duration)));
  },
  /** Lines of synthetic letters that fade in or appear at once. */
  title({ duration, random, rate }) {
    const isLetter = letters(random);
    const fade = random.chance(0.5) ? 1 : rate * random.number(0.2, 0.8);
    const value = random.chance(0.8) ? 245 : 10;
    const lasts = random.chance(0.5) ? duration : Number.POSITIVE_INFINITY;
    return (picture, t) => {
      const share = Math.min(progress(t + 1, fade), progress(lasts - t, fade));
      return share <= 0 ? picture : mix(picture, choose(picture, plain(value), isLetter), share);
    };
  },
  /** Light that flickers from picture to picture. */
  flicker({ duration, random }) {
    const gains = Array.from({ length: duration }, () => random.number(0.85, 1.15));
    return (picture, t) => (gains[t] === undefined ? picture : map(picture, (value) => value * gains[t]!));
  },
  /** Black bars appear from above and below, or disappear. */
  letterbox({ duration, random }) {
    const height = random.number(0.08, 0.14) * HEIGHT;
    const share = random.chance(0.5) ? (t: number) => progress(t, duration) : (t: number) => (t < 0 ? 0 : 1);
    return (picture, t) => {
      const bar = height * share(t);
      return bar <= 0 ? picture : map(picture, (value, row) => (row < bar || row >= HEIGHT - bar ? 0 : value));
    };
  },
  /** A ball of fire grows over part of the picture within some tenths of a second, and dies away. */
  explosion({ rate, random, other }) {
    const [x, y] = [random.number(0.1, 0.9) * WIDTH, random.number(0.3, 0.9) * HEIGHT];
    const most = random.number(0.2, 0.6) * WIDTH;
    const grows = rate * random.number(0.1, 0.6);
    const burns = rate * random.number(0.2, 0.8);
    const blinds = random.number(0, 0.6);
    const ragged = Array.from({ length: 32 }, () => random.number(0.6, 1.2));
    return (picture, t) => {
      const share = Math.exp(-Math.max(0, t - grows) / burns);
      if (t < 0 || share < 0.02) return picture;
      const radius = most * progress(t + 1, grows) ** 0.6;
      const light = blinds * Math.exp(-t / (rate * 0.06)) * 255;
      const flames = view(other, 0.3, 0.02 * t, 0.4);
      return map(picture, (value, row, column, channel) => {
        const angle = Math.floor(((Math.atan2(row - y, column - x) / Math.PI + 1) * 16) % 32);
        const inside = progress(radius * ragged[angle]! - Math.hypot(row - y, column - x), 0.3 * radius);
        if (inside === 0) return value + light;
        const bright = flames[(row * WIDTH + column) * 3 + 1]! / 255;
        return value + (FIRE[channel]! * (0.4 + bright) - value) * inside * share + light;
      });
    };
  },
  /** Gunfire: single bright pictures at short intervals, brightest on one side. */
  gunfire({ duration, rate, random }) {
    const strength = random.number(40, 160);
    const x = random.number(0, WIDTH);
    const flashes = Array.from({ length: duration }, () => random.chance(4 / rate));
    return (picture, t) =>
      flashes[t]
        ? map(picture, (value, _, column) => value + strength * Math.max(0.2, 1 - Math.abs(column - x) / WIDTH))
        : picture;
  },
  /** A lamp is switched off or on. */
  lights({ rate, random }) {
    const gain = random.number(0.25, 0.5);
    const isOff = random.chance(0.5);
    const pictures = Math.max(1, rate * random.number(0, 0.15));
    return (picture, t) => {
      const on = isOff ? 1 - progress(t, pictures) : progress(t, pictures);
      return on >= 1 ? picture : map(picture, (value) => value * (gain + (1 - gain) * on));
    };
  },
  'crash zoom': ({ rate, random }) => {
    const closest = random.number(0.35, 0.6);
    const pictures = rate * random.number(0.2, 0.5);
    const isIn = random.chance(0.6);
    return (picture, t) => {
      const share = progress(t, pictures);
      const scale = 1 - (1 - closest) * (isIn ? share : 1 - share);
      return view(picture, (1 - scale) / 2, (1 - scale) / 2, scale);
    };
  },
  /** Uneven smoke drifts over the picture and away. */
  smoke({ duration, rate, random, other }) {
    const cloud = blur([0, 0.1, 0.2, 0.3, 0.4].map((left) => view(other, left, left, 0.25)));
    const lasts = Math.max(duration, rate * random.number(0.8, 2.5));
    const drift = random.number(-0.5, 0.5) / rate;
    const thickest = random.number(0.3, 0.75);
    const [across, down] = [random.number(1, 4), random.number(1, 3)];
    return (picture, t) => {
      const share = thickest * Math.sin(Math.PI * progress(t, lasts));
      if (share <= 0) return picture;
      const now = view(cloud, drift * t, 0, 1);
      return map(picture, (value, row, column, channel) => {
        const thick = 0.6 + 0.4 * Math.sin(across * (column / WIDTH + 2 * drift * t)) * Math.cos((down * row) / HEIGHT);
        return value + (now[(row * WIDTH + column) * 3 + channel]! - value) * share * thick;
      });
    };
  },
  /** The lens goes out of focus and back, or into focus. */
  focus({ duration, random }) {
    const most = random.number(0.02, 0.07);
    return (picture, t) => {
      const radius = most * Math.sin(Math.PI * progress(t, duration));
      if (radius < 0.004) return picture;
      const around = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => (k * Math.PI) / 4);
      return blur(around.map((angle) => view(picture, radius * Math.cos(angle), radius * Math.sin(angle), 1)));
    };
  },
} satisfies Record<string, Effect>;

const FIRE = [255, 190, 90] as const;

/** Distractions that change which pictures are shown, and not their content. */
const TIMINGS = {
  /** Some pictures are missing. */
  'dropped pictures': ({ start, rate, random }: Moment) => {
    const missing = Math.round(random.number(0.1, 0.35) * rate);
    return (i: number) => (i < start ? i : i + missing);
  },
  /** The film freezes, and then catches up. */
  'repeated pictures': ({ start, duration, random }: Moment) => {
    const pictures = Math.max(2, Math.round(duration * random.number(0.2, 0.6)));
    return (i: number) => (i < start || i >= start + pictures ? i : start);
  },
};

export type EffectName = keyof typeof EFFECTS | keyof typeof TIMINGS;
/** Effects that occur in films of any kind. */
export const COMMON: readonly EffectName[] = [
  ...(['flash', 'lightning', 'whip pan', 'shake', 'zoom', 'object crossing', 'exposure', 'title'] as const),
  ...(['flicker', 'letterbox', 'dropped pictures', 'repeated pictures'] as const),
];

/** Applies an effect to a take. */
export function withEffect(take: Take, effect: EffectName, moment: Moment): Take {
  const timing = (TIMINGS as Record<string, (moment: Moment) => (i: number) => number>)[effect];
  if (timing) {
    const shown = timing(moment);
    return { effect, picture: (i) => take.picture(shown(i)) };
  }
  const change = (EFFECTS as Record<string, Effect>)[effect]!(moment);
  return { effect, picture: (i) => change(take.picture(i), i - moment.start) };
}

/** One to three lines of blocks, broken up like letters, in the lower or middle part. */
export function letters(random: Random): (row: number, column: number) => boolean {
  const height = random.whole(8, 20);
  const lines = random.whole(1, 3);
  const top = random.number(0.3, 0.65) * HEIGHT;
  const width = random.number(0.4, 0.8) * WIDTH;
  const left = (WIDTH - width) / 2;
  const cells = Array.from({ length: 4096 }, () => random.chance(0.55));
  return (row, column) => {
    const line = Math.floor((row - top) / (height * 1.4));
    const down = (row - top) % (height * 1.4);
    if (row < top || line >= lines || down > height || column < left || column > left + width) return false;
    const cell = Math.floor((column - left) / (height / 4)) + 64 * Math.floor(down / (height / 5)) + 512 * line;
    return cells[cell % cells.length]!;
  };
}
