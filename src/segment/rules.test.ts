import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RuleName, without } from '../../test/support/rule-ablations.ts';
import { detect, dim, even, height, mix, type Pixels, scene, times, width } from '../../test/support/shot-pictures.ts';
import { type ShortBoundary, storedWindow } from '../../test/support/stored-window.ts';
import type { Picture } from '../media/frames.ts';
import type { Rules } from './rules.ts';
import { type ShotBoundary, ShotDetector } from './shots.ts';

/** A film of a few seconds, with boundaries that the full set of rules finds. */
interface Window {
  readonly film: () => Pixels[];
  readonly boundaries: readonly ShortBoundary[];
}

/** Rules whose tests are beside them: `inset.test.ts` and `strobe.test.ts`. */
type TestedElsewhere = 'inset' | 'strobe';

/** Rules that decide in windows of composed films, which are stored in `test/support/shot-windows`. */
const STORED = {
  'cut: change over that of the neighbours': 'cut-excess-change',
  'cut: most kept detail': 'cut-kept-detail',
  'gradual: straight path': 'gradual-straight-path',
  'gradual: slow motion': 'gradual-slow-motion',
  'strobe: one shot returns': 'strobe-returns',
} as const satisfies Partial<Record<RuleName, string>>;

/** Share of the way from picture `from` to picture `to`, at picture `i`. */
const progress = (i: number, from: number, to: number) => Math.min(1, Math.max(0, (i - from) / (to - from)));
/** Each pixel from its row, column and the value there. */
const paint = (pixels: Pixels, value: (row: number, column: number, old: number, channel: number) => number) =>
  pixels.map((old, i) => value(Math.floor(i / (width * 3)), Math.floor(i / 3) % width, old, i % 3));
/** Uniform in [0, 1), the same for the same number. */
const noise = (k: number) => {
  const value = Math.sin(k * 12.9898) * 43758.5453;
  return value - Math.floor(value);
};
const lit = (pixels: Pixels, gain: number, lift: number) => pixels.map((value) => value * gain + lift);

/** Lines of words on white, below a bar. */
const slide = (seed: number) =>
  paint(even(250), (row, column, paper) => {
    if (row < 4) return 60;
    const line = Math.floor((row - 8) / 5);
    if (row < 8 || (row - 8) % 5 > 1 || line > 4 || column < 4 || column > 50) return paper;
    return noise(seed + line * 6.0062 + Math.floor(column / 2) * 2.904) < 0.6 ? 20 : paper;
  });

/** A fade through black. */
const fadeThroughBlack = () =>
  times(150, (i) =>
    i < 70 ? mix(scene(1), even(0), progress(i, 50, 70)) : mix(even(0), scene(2), progress(i, 80, 100)),
  );

/** A scene in near darkness, with noise that stands still until a key frame renews it. */
const night = (contrast: number, strength: number) =>
  times(120, (i) =>
    dim(scene(1), contrast).map((value, k) => value + 8 + strength * (noise(k + 7919 * Math.floor(i / 50)) - 0.5)),
  );

/** A scene that moves fast, with a flash that hides nearly all of it. */
const flashInFastScene = () =>
  times(80, (i) => (i >= 40 && i < 43 ? mix(scene(1, 3 * i), even(255), 0.95) : scene(1, 3 * i)));

/** A smooth sky, and another scene for three pictures. */
const interruptedSky = () => {
  const sky = paint(even(0), (row, column) => 71 + (44 * row) / height + (20 * column) / width);
  return times(80, (i) => (i >= 40 && i < 43 ? scene(6) : sky));
};

const WINDOWS: Readonly<Record<Exclude<RuleName, TestedElsewhere | keyof typeof STORED>, Window>> = {
  'cut: novelty': { film: flashInFastScene, boundaries: [] },
  'cut: likeness of both sides': { film: flashInFastScene, boundaries: [] },
  'cut: noise in the dark': { film: () => night(0.04, 14), boundaries: [] },
  'cut: neighbours in animation': {
    film: () => times(96, (i) => scene(3, 19 * Math.floor(i / 4), 7.5 * Math.floor(i / 4))),
    boundaries: [],
  },
  'cut: blended pictures': {
    film: () =>
      times(80, (i) => {
        const [old, fresh] = [scene(4, 1.682 * i), scene(15, 2.032 * i)];
        return i === 40 ? mix(old, fresh, 0.656) : i < 40 ? old : fresh;
      }),
    boundaries: [40],
  },
  'cut: most unchanged picture': {
    film: () => {
      const wall = paint(even(0), (row) => 162 + (43.7 * row) / height);
      const object = paint(wall, (row, column, value, channel) => {
        const across = column - 5 - 0.88 * row;
        return across >= 0 && across < 20 ? scene(5)[(row * width + column) * 3 + channel]! : value;
      });
      return times(80, (i) => (i < 40 ? wall : object));
    },
    boundaries: [],
  },
  'interruption: any comparison': { film: interruptedSky, boundaries: [] },
  'interruption: return': { film: interruptedSky, boundaries: [] },
  'interruption: return after a flash': {
    film: () => times(80, (i) => (i >= 40 && i < 43 ? lit(scene(7, 2.728 * i), 3.094, 95.5) : scene(7, 2.728 * i))),
    boundaries: [],
  },
  'flash: at all': {
    film: () =>
      times(80, (i) => {
        const shot = scene(i < 40 ? 2 : 19, 0.27 * i);
        return i === 36 || i === 41 ? lit(shot, 2.7, 147) : shot;
      }),
    boundaries: [40],
  },
  'lighting change': { film: () => times(100, (i) => dim(scene(1), i < 50 ? 0.04 : 0.3)), boundaries: [] },
  'text overlay': {
    film: () => {
      const lines = paint(dim(scene(5), 0.1), (row, column, value) =>
        row > 16 && row < 30 && row % 7 > 2 && column > 12 && column < 50 && column % 3 > 0 ? 250 : value,
      );
      return times(41, (i) => (i < 40 ? dim(scene(5), 0.1) : lines));
    },
    boundaries: [],
  },
  'letterbox: at all': {
    film: () =>
      times(80, (i) =>
        paint(i < 40 ? scene(1, i / 2) : scene(10, i / 2), (row, _, value) =>
          row < 6 || row >= height - 6 ? 0 : 113 + 0.655 * value,
        ),
      ),
    boundaries: [40],
  },
  'letterbox: bars that count at once': {
    film: () => {
      const wall = paint(scene(9), (_, column, value) => 133 + (49 * column) / width + 0.025 * (value - 110));
      const boxed = paint(wall, (row, _, value) => (row < 8 || row >= height - 8 ? 0 : value));
      return times(120, (i) => (i < 50 || i > 90 ? wall : boxed));
    },
    boundaries: [],
  },
  'blank: at all': { film: fadeThroughBlack, boundaries: [[51, 82, 101]] },
  'blank: plain pictures': {
    film: () => times(110, (i) => (i < 40 ? scene(9) : i < 56 ? even(176) : scene(18))),
    boundaries: [56],
  },
  'blank: black with a logo': {
    film: () => {
      const logo = paint(even(0), (row, column) => (row > 15 && row < 19 && column > 22 && column < 42 ? 230 : 0));
      return times(150, (i) =>
        i < 68 ? mix(scene(1), logo, progress(i, 50, 60)) : mix(logo, scene(2), progress(i, 68, 78)),
      );
    },
    boundaries: [[60, 69, 79]],
  },
  'blank: cards': {
    film: () => times(160, (i) => (i < 60 ? scene(1) : mix(even(0), scene(2), progress(i, 100, 120)))),
    boundaries: [60],
  },
  'title card': {
    film: () => {
      const line = paint(even(0), (row, column) => (row > 15 && row < 19 && column > 22 && column < 42 ? 230 : 0));
      const black = even(0);
      return times(200, (i) => {
        if (i < 80) return mix(scene(1), black, progress(i, 50, 60));
        return i < 140
          ? mix(black, line, Math.min(progress(i, 80, 85), progress(i, 130, 125)))
          : mix(black, scene(2), progress(i, 140, 150));
      });
    },
    boundaries: [
      [50, 81, 81],
      [140, 141, 151],
    ],
  },
  'fade: at all': { film: fadeThroughBlack, boundaries: [[51, 82, 101]] },
  'fade: end where contrast stalls': {
    film: () =>
      times(180, (i) => {
        if (i < 46) return mix(scene(4), even(0), progress(i, 20, 36));
        return dim(scene(13), i < 59 ? (0.66 * (i - 45)) / 13 : 0.66 + 0.34 * progress(i, 82, 92));
      }),
    boundaries: [[20, 46, 59]],
  },
  'fade: cuts at the far end': {
    film: () => [
      ...times(60, () => scene(1)),
      ...times(24, (i) => mix(scene(2), even(0), i / 24)),
      ...times(6, () => even(0)),
      ...times(24, (i) => mix(even(0), scene(3), i / 24)),
      ...times(60, () => scene(1)),
    ],
    boundaries: [60, [61, 92, 113], 114],
  },
  blink: { film: () => times(86, (i) => (i < 6 ? even(0) : scene(1))), boundaries: [] },
  'gradual: dissolves': {
    film: () => times(140, (i) => mix(scene(1, i / 8), scene(2), progress(i, 60, 84))),
    boundaries: [[61, 71, 82]],
  },
  'gradual: wipes': {
    film: () =>
      times(140, (i) =>
        paint(scene(1), (row, column, value, channel) =>
          column < progress(i, 60, 84) * width ? scene(2)[(row * width + column) * 3 + channel]! : value,
        ),
      ),
    boundaries: [[63, 72, 82]],
  },
  'gradual: no single step': {
    // A film on threes, and a reflection that appears over two pictures and stays for six.
    film: () =>
      times(80, (i) => {
        const drawing = Math.floor(i / 3);
        const share = i === 39 ? 0.2 : i >= 40 && i < 46 ? 0.485 : 0;
        return mix(scene(2, 2.557 * drawing + (i >= 40 ? 0.141 : 0)), scene(10, -2.557 * drawing), share);
      }),
    boundaries: [],
  },
  'gradual: unrelated ends': {
    // A relief is lit from one side, then from the other, while it becomes brighter.
    film: () => {
      const relief = (side: 1 | -1) =>
        paint(even(93), (row, column, value) => {
          const isRaised = noise(Math.floor(column / 4) * 7.13 + Math.floor(row / 4) * 31.7) < 0.5;
          return value + 60 * (column / width - 0.5) + side * (isRaised ? -14 : 14);
        });
      return times(110, (i) => lit(mix(relief(1), relief(-1), progress(i, 40, 64)), 1, 0.6 * i));
    },
    boundaries: [],
  },
  'same shot: cut close by': {
    film: () => times(110, (i) => (i < 40 ? scene(5) : mix(scene(26), scene(17), progress(i, 43, 49)))),
    boundaries: [40],
  },
  'same shot: likeness': {
    film: () => {
      const lamp = (pixels: Pixels, place: (column: number) => number) =>
        paint(pixels, (_, column, value) => value * (0.045 + 0.955 * place(column / (width - 1)) ** 2.6));
      return times(120, (i) => {
        const shot = scene(7, 0.167 * i);
        return mix(
          lamp(shot, (x) => 1 - x),
          lamp(shot, (x) => x),
          progress(i, 45, 69),
        ); // From left to right.
      });
    },
    boundaries: [],
  },
  'same shot: larger change beside': {
    film: () =>
      times(130, (i) => {
        const fire = i > 60 ? 0 : 0.643 * Math.exp(-(60 - i) / 6.274);
        return paint(scene(2, 0.757 * i), (row, column, value, channel) => {
          const flame = scene(22)[(row * width + column) * 3 + channel]! + 102.8;
          return column < 0.931 * width ? value * (1 - fire) + flame * fire : value;
        });
      }),
    boundaries: [],
  },
  'same shot: scene seen again': {
    film: () => {
      const smoke = scene(5).map((value) => 90 + value / 4);
      return times(120, (i) => mix(scene(1, i / 16), smoke, 0.9 * Math.sin(Math.PI * progress(i, 40, 70))));
    },
    boundaries: [],
  },
  'stills: slide changes': { film: () => times(100, (i) => slide(i < 50 ? 1 : 2)), boundaries: [50] },
  'stills: dimmed': { film: () => times(100, (i) => dim(slide(1), i < 50 ? 1 : 0.3)), boundaries: [] },
  'stills: noise in the dark': { film: () => night(0.03, 24), boundaries: [] },
  'stills: dissolves': {
    film: () => times(120, (i) => mix(slide(1), slide(2), progress(i, 50, 62))),
    boundaries: [[52, 56, 61]],
  },
};

for (const [name, { film, boundaries }] of Object.entries(WINDOWS)) {
  test(`${name} is needed`, () => {
    const pictures = film();
    assert.deepEqual(short(detect(pictures)), boundaries);
    const found = short(detect(pictures, undefined, without(name as RuleName)));
    assert.notDeepEqual(found, boundaries, 'the rule makes no difference');
  });
}

for (const [name, file] of Object.entries(STORED)) {
  test(`${name} is needed`, () => {
    const { pictures, boundaries } = storedWindow(file);
    assert.deepEqual(short(boundariesOf(pictures)), boundaries);
    const found = short(boundariesOf(pictures, without(name as RuleName)));
    assert.notDeepEqual(found, boundaries, 'the rule makes no difference');
  });
}

function boundariesOf(pictures: readonly Picture[], rules?: Rules): ShotBoundary[] {
  const detector = new ShotDetector(rules ? { rules } : {});
  return [...pictures.flatMap((picture) => detector.push(picture)), ...detector.end()];
}

function short(found: readonly ShotBoundary[]): readonly ShortBoundary[] {
  return found.map(({ frame, startFrame, endFrame, transition }) =>
    transition === 'cut' ? frame : [startFrame, frame, endFrame],
  );
}
