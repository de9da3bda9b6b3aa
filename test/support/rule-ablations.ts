import { RULES, type Rules } from '../../src/segment/rules.ts';

type Change = { readonly [Rule in keyof Rules]?: Partial<Rules[Rule]> };

const NEVER = Number.POSITIVE_INFINITY;

/** For each rule, the constants that disable it. */
export const ABLATIONS = {
  'cut: change over that of the neighbours': { cut: { minExcessChange: 0 } },
  'cut: novelty': { cut: { minNovelty: 0 } },
  'cut: most kept detail': { cut: { maxKeptShare: 1 } },
  'cut: most unchanged picture': { cut: { maxUnchangedShare: 1 } },
  'cut: noise in the dark': { cut: { minLumaDifference: 0 } },
  'cut: neighbours in animation': { cut: { drawingNeighbourSec: RULES.cut.neighbourSec } },
  'cut: likeness of both sides': { cutLikeness: { minCoarseLikeness: NEVER } },
  'cut: blended pictures': { cutLikeness: { minBlendShare: NEVER } },
  'interruption: any comparison': { interruption: { maxSec: 0 } },
  'interruption: return': { interruption: { maxReturnChange: 0 } },
  'interruption: return after a flash': { flash: { maxRestShare: 0 } },
  'flash: at all': { flash: { minLuma: NEVER } },
  'lighting change': { lightingChange: { minCorrelation: NEVER } },
  'text overlay': { textOverlay: { minCorrelation: NEVER } },
  'letterbox: at all': { letterbox: { maxBarShare: 0 } },
  'letterbox: bars that count at once': { letterbox: { minBrightLuma: NEVER } },
  'blank: at all': { blankFrames: { maxContrastLuma: 0, maxPlainContrastLuma: 0, maxDarkMeanLuma: -1 } },
  'blank: plain pictures': { blankFrames: { maxPlainContrastLuma: 0 } },
  'blank: black with a logo': { blankFrames: { maxDarkMeanLuma: -1 } },
  'blank: cards': { blankFrames: { maxGapSec: NEVER } },
  'title card': { titleCard: { minTextSec: NEVER } },
  'fade: at all': { fade: { abruptShare: 0 } },
  'fade: end where contrast stalls': { fade: { maxStallSec: NEVER } },
  'fade: cuts at the far end': { fade: { minSeenSec: NEVER } },
  blink: { blink: { maxSec: 0 } },
  'gradual: dissolves': { gradual: { minDissolve: NEVER } },
  'gradual: wipes': { gradual: { minWipe: NEVER } },
  'gradual: no single step': { gradual: { maxStepShare: NEVER } },
  'gradual: straight path': { gradual: { minPromise: 0 } },
  'gradual: unrelated ends': { gradual: { minChange: 0 } },
  'gradual: slow motion': { gradual: { motionParts: [] } },
  'same shot: cut close by': { sameShot: { minShotSec: 0 } },
  'same shot: likeness': { sameShot: { sameSceneLikeness: NEVER } },
  'same shot: larger change beside': { sameShot: { minExcessRatio: NEVER } },
  'same shot: scene seen again': { sameShot: { maxHiddenSec: 0 } },
  'stills: slide changes': { stills: { minChange: NEVER } },
  'stills: dimmed': { stills: { maxCorrelation: NEVER } },
  'stills: noise in the dark': { stills: { minContrastLuma: 0 } },
  'stills: dissolves': { slideDissolve: { maxRestChange: -1 } },
  inset: { inset: { minAreaShare: NEVER } },
  strobe: { strobe: { minChange: NEVER } },
  'strobe: one shot returns': { strobe: { maxMovedChange: NEVER } },
} satisfies Readonly<Record<string, Change>>;

export type RuleName = keyof typeof ABLATIONS;

/** The detector's rules with one of them disabled. */
export function without(name: RuleName): Rules {
  const change: Change = ABLATIONS[name];
  const groups = Object.entries(RULES).map(([rule, group]) => [rule, { ...group, ...change[rule as keyof Rules] }]);
  return Object.fromEntries(groups);
}
