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
import { boxOf, clockFace, framed, surroundOf } from './frames.ts';
import { underStrobe } from './lights.ts';
import { MATERIAL } from './material.ts';
import { screenRecording } from './screens.ts';
import { slideDeck } from './slides.ts';
import {
  CALLS,
  type CallStyle,
  DARK,
  type DarkStyle,
  FRAMES,
  type FrameStyle,
  FURTHER_TUNING,
  SCREENS,
  type ScreenStyle,
  SLIDES,
  type SlideStyle,
  STROBES,
  type StrobeStyle,
} from './styles.ts';

/** Kinds of recordings. */
export const RECORDING_KINDS = ['slides', 'screens', 'calls', 'frames', 'strobes', 'dark'] as const;
export type RecordingKind = (typeof RECORDING_KINDS)[number];

/** Pictures of a recording, with its boundaries and distractions. */
type Recording = Pick<Film, 'truth' | 'distractions'> & { pictures(): Iterable<Rgb> | AsyncIterable<Rgb> };

/** A recording to be made, and its encoding. */
export interface RecordingRecipe {
  readonly name: string;
  readonly kind: RecordingKind;
  readonly encoding: Encoding;
  make(shots: readonly Shot[]): Promise<Recording>;
}

/** A recipe without its name and seed. */
interface Plan {
  readonly kind: RecordingKind;
  readonly rate: number;
  readonly codec: Codec;
  make(sources: Sources): Promise<Recording> | Recording;
}

/** Inputs of a recording. */
interface Sources {
  readonly seed: number;
  readonly shots: readonly Shot[];
  readonly material: (typeof MATERIAL)[Split];
}

const DURATION_SEC = 60;
const FIRST_SEED: Readonly<Record<Split, number>> = { tuning: 5000, report: 7000 };
/** Least length of a shot that is played as the picture of a camera, in pictures. */
const MIN_CAMERA_FRAMES = 100;

/** All recordings of a split. */
export function recordings(split: Split): RecordingRecipe[] {
  const plans: Plan[] = [
    ...SLIDES[split].map(slidePlan),
    ...SCREENS[split].map(screenPlan),
    ...CALLS[split].map(callPlan),
    ...FRAMES[split].map(framePlan),
    ...STROBES[split].map(strobePlan),
    ...DARK[split].map(darkPlan),
  ];
  for (const { frames, strobes, dark } of split === 'tuning' ? FURTHER_TUNING : [])
    plans.push(...frames.map(framePlan), ...strobes.map(strobePlan), ...dark.map(darkPlan));
  return plans.map((plan, i) => {
    const { kind, codec, rate } = plan;
    const number = plans.slice(0, i + 1).filter((other) => other.kind === kind).length;
    const [width, height] = isFootage(kind) ? [426, 240] : [WIDTH, HEIGHT];
    return {
      name: `${split}-${kind}-${number}`,
      kind,
      encoding: { codec, rate, width, height, isVariable: false },
      make: async (shots) => plan.make({ seed: FIRST_SEED[split] + i, shots, material: MATERIAL[split] }),
    };
  });
}

export function recordingFiles({ name, encoding: { codec } }: RecordingRecipe): { film: string; truth: string } {
  return { film: join(OUT_DIR, `${name}.${codec === 'mpeg4' ? 'avi' : 'mp4'}`), truth: join(OUT_DIR, `${name}.json`) };
}

export async function writeRecording(recipe: RecordingRecipe, pictures: ReturnType<Recording['pictures']>) {
  const size = isFootage(recipe.kind)
    ? { width: FOOTAGE_WIDTH, height: FOOTAGE_HEIGHT }
    : { width: WIDTH, height: HEIGHT };
  await writeFilm(recordingFiles(recipe).film, pictures, recipe.encoding, size);
}

/** True for kinds whose pictures are footage alone. They are smaller than those of a canvas. */
function isFootage(kind: RecordingKind): boolean {
  return kind === 'strobes' || kind === 'dark';
}

function slidePlan({ inset, codec = 'h264', ...style }: SlideStyle, index: number): Plan {
  return {
    ...{ kind: 'slides', rate: style.rate, codec },
    make({ seed, shots, material: { themes, words } }) {
      const random = seeded(seed);
      const footage = {
        none: undefined,
        head: talkingHead(random),
        shot: played(random.pick(shots.filter(({ length }) => length > MIN_CAMERA_FRAMES))),
      }[inset];
      const theme = themes[index % themes.length]!;
      return slideDeck({ ...style, random, theme, words, shots, inset: footage, durationSec: DURATION_SEC });
    },
  };
}

function screenPlan({ app, rate, codec = 'h264' }: ScreenStyle, index: number): Plan {
  return {
    ...{ kind: 'screens', rate, codec },
    make({ seed, material: { themes, words } }) {
      const theme = themes[(index + 1) % themes.length]!;
      return screenRecording({ random: seeded(seed), words, theme, rate, durationSec: DURATION_SEC, app });
    },
  };
}

function callPlan({ people, layout, isShared, rate, background }: CallStyle): Plan {
  return {
    ...{ kind: 'calls', rate, codec: 'h264' },
    async make({ seed, shots, material: { themes, words } }) {
      const random = seeded(seed);
      const cameras = Array.from({ length: people }, (_, i) =>
        i === 1 ? played(random.pick(shots.filter(({ length }) => length > MIN_CAMERA_FRAMES))) : talkingHead(random),
      );
      const theme = random.pick(themes);
      const deck = await slideDeck({
        ...{ random, theme, words, shots, rate, durationSec: 1 },
        ...{ inset: undefined, dissolves: 0, pointing: 'none', layouts: ['bullets', 'bar chart'] },
      });
      const [slide] = deck.pictures();
      const shared = isShared ? slide : undefined;
      return videoCall({
        ...{ random, people: cameras, names: words, background },
        ...{ rate, durationSec: DURATION_SEC, layout, shared },
      });
    },
  };
}

function framePlan({ share, surround, hasClock, rate, paceSec, codec = 'h264' }: FrameStyle, index: number): Plan {
  return {
    ...{ kind: 'frames', rate, codec },
    async make({ seed, shots, material: { themes, words } }) {
      const random = seeded(seed);
      const inner = footageFilm(shots, seed, { genre: 'cuts', rate, paceSec });
      const box = boxOf(random, share);
      const around = surroundOf(random, surround, themes[index % themes.length]!, words);
      return { ...inner, pictures: await framed(inner, rate, box, around, hasClock && clockFace) };
    },
  };
}

function strobePlan({ rate, ...strobe }: StrobeStyle): Plan {
  return {
    ...{ kind: 'strobes', rate, codec: 'h264' },
    make({ seed, shots }) {
      const light = strobe.kind === 'flash' ? 0.6 : 1;
      const film = footageFilm(shots, seed, { genre: 'quiet cuts', rate, paceSec: 3, light });
      return underStrobe(film, rate, strobe, seeded(seed));
    },
  };
}

function darkPlan({ codec, ...look }: DarkStyle): Plan {
  return {
    ...{ kind: 'dark', rate: look.rate, codec },
    make: ({ seed, shots }) => footageFilm(shots, seed, { ...look, genre: 'quiet cuts' }),
  };
}

function footageFilm(shots: readonly Shot[], seed: number, look: Partial<typeof PLAIN>): Film {
  return makeFilm(shots, { ...PLAIN, ...look }, seed, DURATION_SEC);
}
