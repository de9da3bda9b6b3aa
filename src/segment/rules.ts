/*
 * The last part of a name is its unit: `Sec` seconds of the detector's clock, `Frames` a number of pictures, `Luma` steps
 * of 8-bit luma, `Share` 0 to 1, `Ratio` one quantity over another, `Likeness` 0 to 1 (see `likeness`), `Change` units of
 * `changeSize` (near 0 within a scene, 40 and more between unrelated ones), `Pixels` pixels of the 32 × 18 planes.
 */

const rules = {
  /** Broken timestamps, and when a result is certain (`shots.ts`). */
  stream: {
    /** Largest step between two timestamps. A larger one, or one back, is broken, and the clock stands still instead. */
    maxStepSec: 10,
    /** Pictures that are always kept behind the next one to be judged, however far apart pictures are. */
    minHeldFrames: 10,
    /** Longest transition that still counts as a cut: blended fields or a changed frame rate smear a cut over this much. */
    maxSmearFrames: 2,
  },

  /** A hard cut changes the picture much more than its neighbours do, and leaves little of the old shot (`cuts.ts`). */
  cut: {
    /** Least change of any cut. */
    minChange: 20,
    /** Least change over the second largest change of the neighbours, so that a fast pan or a fight is no row of cuts. */
    minExcessChange: 12,
    /**
     * Least novelty: the change over that of the neighbours, times the share of detail that is new, times the share of the
     * picture that is not unchanged. In a fight a new shot must be new throughout; in a quiet scene, the same room from
     * closer by is enough.
     */
    minNovelty: 1.05,
    /** Added to the change of the neighbours, so that the ratio to it means something where nothing changes. */
    noiseChange: 4,
    /** Largest share of the detail that a new shot keeps (see `keptDetail`), however quiet the shots are. */
    maxKeptShare: 0.6,
    /** Largest share of the picture that a cut leaves unchanged (see `unchangedShare`). */
    maxUnchangedShare: 0.6,
    /**
     * Least mean difference of luma. In dark noisy scenes a key frame changes up to 3.7, for it renews the noise that the
     * pictures before it had lost; cuts between such scenes change 5.6 and more.
     */
    minLumaDifference: 4,
    /** Least number of neighbours on either side. */
    neighbourFrames: 5,
    /** Time within which all pictures on either side are neighbours. */
    neighbourSec: 0.2,
    /** The same where only one of the nearer neighbours changes: in animation, a drawing stands for three or four pictures. */
    drawingNeighbourSec: 0.35,
    /** A neighbour that changes at least this share of the largest change shows that more than one of them changes. */
    companyShare: 0.25,
  },

  /** Two pictures that differ in every pixel may still show one scene, in other light (`likenessAcross` in `cuts.ts`). */
  cutLikeness: {
    /** Least `likeness` for `fineLikeness` to count: smooth pictures have little fine detail, which may be alike by chance. */
    minCoarseLikeness: 0.45,
    /** Up to this `fineLikeness`, two pictures have nothing in common. */
    unrelatedLikeness: 0.4,
    /** From this `fineLikeness` on, two pictures show one scene. */
    sameSceneLikeness: 0.7,
    /** A picture that is a blend of its neighbours by more than this (see `blendShare`) is no evidence. Most are 0.65 and more, motion below 0.45. */
    minBlendShare: 0.45,
  },

  /** An old scene that returns was interrupted, not replaced: by a flash, a lightning, a dropped picture (`cuts.ts`). */
  interruption: {
    /** Longest interruption. Shots shorter than this between two halves of another are rare even in trailers. */
    maxSec: 0.2,
    /** Largest change from the old scene to the returned one, as a share of the interruption's change. */
    maxReturnShare: 0.6,
    /** Largest change from the old scene to the returned one. */
    maxReturnChange: 36,
    /** Largest change as a share of the interruption's change where that was a flash, for the scene moves on meanwhile. */
    maxFlashReturnShare: 0.8,
    /** Least share of the detail that is still there after a flash. */
    minFlashKeptShare: 0.1,
    /** `likeness` from which the scene after a flash is the old one, however much it has moved. */
    sameSceneLikeness: 0.6,
  },

  /** Pictures that a flash lights up (`cuts.ts`). */
  flash: {
    /** Least difference of the mean luma to the pictures around it. */
    minLuma: 25,
    /** Largest difference of the mean luma before and after, as a share of the flash's own. */
    maxRestShare: 0.25,
  },

  /** One scene in much brighter or darker light (`isLightingChange` in `lighting-change.ts`). */
  lightingChange: {
    /** Least ratio of the contrasts. Less does not hide what a scene has in common with itself. */
    minContrastRatio: 1.5,
    /** Least correlation of one scene with itself. On tuning films, one cut in twenty reached 0.34, and one in 3000 this. */
    minCorrelation: 0.8,
  },

  /** Bright text over a dark scene (`isTextOverlay` in `lighting-change.ts`). */
  textOverlay: {
    /** Least ratio of the contrasts. */
    minContrastRatio: 1.5,
    /** Pixels that become brighter by more than this may be text. */
    textLuma: 40,
    /** Largest share of the picture that text takes, including the pixels next to it. */
    maxTextShare: 0.5,
    /** Least correlation of the scene with itself where there is no text. */
    minCorrelation: 0.8,
  },

  /** Black bars around the picture, which are left out of every comparison (`letterbox.ts`). */
  letterbox: {
    /** Brightest black: limited-range black, with compression noise and a dark blur from the picture's edge. */
    maxBlackLuma: 20,
    /** Thickest bar as a share of the picture's width or height. 2.76:1 in 4:3 needs 0.26. */
    maxBarShare: 0.27,
    /** Time that rows must be black before they become part of a bar, once they have shown anything. */
    minBlackSec: 3,
    /** Least mean luma of the picture beside two equal bars, for them to count at once. */
    minBrightLuma: 24,
    /**
     * Time for which bars that counted at once are remembered, so that pictures with and without them are compared only on
     * what shows in both. Must be more than the time that the detector holds.
     */
    memorySec: 10,
  },

  /** Black, white and plain pictures between shots (`blank-frames.ts`). */
  blankFrames: {
    /** A black or white picture is blank if its contrast is below this. */
    maxContrastLuma: 2,
    /** Largest mean of black. */
    maxBlackLuma: 20,
    /** Least mean of white. */
    minWhiteLuma: 225,
    /** Between black and white, a picture is blank if its contrast is below this: a wall or a sky at night has a little more. */
    maxPlainContrastLuma: 0.6,
    /** Largest mean of a black picture with a logo or a line of text. */
    maxDarkMeanLuma: 40,
    /** Largest share of the pixels that a logo or a line of text takes. */
    maxTextShare: 0.08,
    /** Largest difference of the other pixels to the most common luma. */
    maxSpreadLuma: 4,
    /** Longest time from cut to cut for which blank pictures are part of the way to the next shot. Longer ones are a card. */
    maxGapSec: 1.5,
  },

  /** Text on blank pictures makes a title card, which is a shot of its own (`blank-frames.ts`). */
  titleCard: {
    /** Least difference of text to the mean. */
    minTextLuma: 36,
    /** Least time that text shows. */
    minTextSec: 0.5,
    /** Longest time after a fade-in in which the card that faded in becomes blank: no other shot is so short. */
    maxFadeGapSec: 0.2,
  },

  /** Fades to and from blank pictures (`blank-frames.ts`). */
  fade: {
    /** Longest fade that is followed, on either side of blank pictures. */
    maxSec: 3,
    /** Longest time within a fade in which contrast does not grow by `minGrowthRatio`. */
    maxStallSec: 0.3,
    /**
     * Least growth of contrast within `maxStallSec`. The slowest fade grows twice as fast at its brightest; a moving camera
     * does not.
     */
    minGrowthRatio: 1.05,
    /** Least share of a shot's contrast that makes the picture next to a blank one the edge of a cut, not of a fade. */
    abruptShare: 0.6,
    /** Share of the contrast from which a fade is over. */
    fullShare: 0.95,
    /** Least length of a fade for a cut at its far end to count: trailers show shots no longer than their fades. */
    minSeenSec: 0.5,
  },

  /** A few blank pictures within one scene are a blink: a lamp, a flash, lost pictures (`blank-frames.ts`). */
  blink: {
    /** Longest blink. */
    maxSec: 0.5,
    /** Change from before to after below which the scene is the same. */
    maxChange: 22,
    /** Share of kept detail above which the scene is the same. */
    minKeptShare: 0.3,
    /** `likeness` above which the scene is the same, moved on meanwhile. */
    sameSceneLikeness: 0.6,
  },

  /** Dissolves and wipes (`gradual.ts`). */
  gradual: {
    /** Distance of the pictures on which slow transitions are followed, whatever the frame rate. */
    gridSec: 1 / 15,
    /** Half lengths of the windows tried, in grid steps: dissolves from 4 pictures to some 60. */
    halfLengthSteps: [1, 2, 3, 5, 8, 12, 18],
    /** Largest distance of a window's ends from its middle. */
    reachSec: 1.25,
    /** Parts of a window whose differences add up to the length of its path. More parts would add up noise and motion. */
    pathParts: 4,
    /** Parts of a window between which motion is searched too: slow motion shows only over several pictures. */
    motionParts: [8, 4],
    /** Least difference of the ends (see `coarseDifference`). */
    minDifference: 10,
    /** Largest share of that difference that one picture causes. More is a cut or a flash. */
    maxStepShare: 0.6,
    /** Least change of the ends. */
    minChange: 28,
    /** Change of the ends from which they have nothing in common. */
    unrelatedChange: 45,
    /** Added to both sides of the ratio of `residual` to `inPlace`, so that noise alone decides nothing. */
    noiseChange: 2,
    /** Least product of straightness (difference of the ends over path) and the share that displacement does not explain. */
    minPromise: 0.35,
    /** Least otherness of the ends. The other factors of both scores are at most 1, so less reaches neither. */
    minOtherness: 0.4,
    /** Least score of a dissolve. */
    minDissolve: 0.42,
    /** Weight of a blend that has all of its detail. `fadedShare`, which is 0.5 in a perfect dissolve, is added to it. */
    sharpWeight: 0.5,
    /** Least score of a wipe. */
    minWipe: 0.36,
    /** Share of the way at which a transition starts. */
    startShare: 0.1,
    /** Share of the way at which a transition ends. */
    endShare: 0.9,
    /** Time after a transition's middle for which blank pictures must be known before it is judged. */
    blankAheadSec: 1.5,
  },

  /** Changes within one shot that resemble a gradual transition (`same-shot.ts`). */
  sameShot: {
    /** A cut this close before or after shows that the transition was a change within a shot: no shot is so short. */
    minShotSec: 0.2,
    /** `likeness` of both ends above which they show one scene in other light. */
    sameSceneLikeness: 0.6,
    /** Pictures on either side among which a larger change shows a flash or an explosion that grows or dies away. */
    besideFrames: 2,
    /** Least difference to the largest change within the transition. */
    minExcessChange: 2,
    /** Least ratio to the largest coarse difference within the transition. */
    minExcessRatio: 1.2,
    /** Added to that coarse difference, so that noise alone decides nothing. */
    noiseDifference: 1,
    /** A scene that is seen again within this time was hidden, by smoke or a passer-by. */
    maxHiddenSec: 1.5,
    /** Share of kept detail above which a scene is seen again. */
    minKeptShare: 0.6,
    /** Distance of the pictures among which a scene is searched. */
    sampleIntervalSec: 0.15,
  },

  /** One slide or window replaces another, at once or in a dissolve (`stills.ts`). */
  stills: {
    /** Least change of the picture. A new slide may be mostly paper. */
    minChange: 2,
    /** Largest difference of a pixel that stands still. Compression changes a still picture by less. */
    maxStillLuma: 5,
    /** Time that pixels must stand still on either side. Scrolling in steps rests for less. */
    minStillSec: 0.5,
    /** Times before and after at which that is checked. They are uneven because lines of text scroll past at even ones. */
    sampleSec: [0.1, 0.25, 0.5],
    /** Least contrast to the pixel on the right or below that makes a pixel ink: text, lines, texture. */
    minInkLuma: 12,
    /** Least ink of either picture, in pixels of 64 × 36. An icon alone is no slide. */
    minInkFinePixels: 24,
    /** Least share of the picture that stands still on both sides. A film leaves less, beside what moves in it. */
    minStillShare: 0.7,
    /**
     * Least share of the ink that is replaced, times the share of the picture that stands still. Slides reach 0.45 and more
     * on the tuning recordings; dialogs, scrolling and marked speakers stay below 0.38.
     */
    minReplacedShare: 0.42,
    /** Correlation of the luma before and after from which the picture was dimmed or lit up, not replaced. */
    maxCorrelation: 0.65,
    /** Least contrast. The noise of darker pictures looks like ink that a key frame renews. */
    minContrastLuma: 7.5,
    /** Least number of changed pixels. A pointer or a letter changes fewer. */
    minChangedPixels: 6,
  },

  /** A dissolve from one slide to another (`stills.ts`). */
  slideDissolve: {
    /** Longest dissolve. */
    maxSec: 1,
    /** Largest change of a picture after its end: a speaker's camera in a corner. */
    maxRestChange: 4,
    /**
     * Interval at which a dissolve is searched; it can be seen for up to a second after its end. Counted from time 0 of the
     * film, so that the result does not depend on where decoding starts.
     */
    searchIntervalSec: 0.2,
    /** Least share of the picture that stands still before and after. Less of one that fades slowly does. */
    minStillShare: 0.9,
    /** Largest part of a picture that no blend of the two slides explains, as a share of what differs between the slides. */
    maxUnblendedShare: 0.2,
    /** Share of the new slide at which a dissolve starts. */
    startShare: 0.1,
    /** Share of the new slide at which a dissolve ends. */
    endShare: 0.9,
    /** Times before the end at which a blend is searched first, because most windows hold none at all. */
    sampleSec: [0.1, 0.25, 0.5, 0.75],
    /** Least number of pictures that are blends. */
    minBlendFrames: 2,
  },

  /** A cut in a picture inside a still frame (`inset.ts`). */
  inset: {
    /** Difference above which a pixel has changed. */
    minChangedLuma: 6,
    /** Least share of the fullest row's (column's) changed pixels that makes a row (column) part of the inset. */
    minEdgeShare: 0.4,
    /** Least share of the picture's area. Smaller insets are cameras in a corner, and windows. */
    minAreaShare: 0.2,
    /** Least share of the inset that changes. An inset is a rectangle; people and objects fill less of theirs. */
    minFilledShare: 0.7,
    /**
     * Least share of the inset's pixels of 64 × 36 that changes. Text over a picture leaves gaps that the smaller planes
     * blur: 0.48 on a tuning film, where cuts change 0.71 and more.
     */
    minFineFilledShare: 0.6,
    /** Largest share of the surroundings that changes at the cut and within `aroundSec` of it: a clock, a ticker. */
    maxAroundShare: 0.12,
    /** Time before and after the cut in which the surroundings must not change. */
    aroundSec: 0.5,
    /** Least number of pictures on either side by which the inset is judged. */
    reachFrames: 8,
    /** Time within which all pictures on either side are used to judge the inset. */
    reachSec: 0.4,
  },

  /** A cut under a strobe or coloured lamps (`strobe.ts`). */
  strobe: {
    /** Sum of the differences of mean luma and both colour differences above which two pictures are lit differently. */
    minLightDifference: 14,
    /** Longest time in which a strobe changes the light and brings it back. */
    maxPeriodSec: 0.8,
    /** Largest change of one shot in the same light after such a time. */
    maxMovedChange: 32,
    /** Time on either side of a cut in which every light is seen. */
    everyLightSec: 0.5,
    /** Time on either side of a cut from which pictures in the same light are taken to judge it. */
    reachSec: 1,
    /** Mean above which a picture of little contrast is burnt out. Two burnt-out pictures look alike. */
    burntOutMeanLuma: 225,
    /** Contrast below which a picture of a high mean is burnt out. */
    burntOutContrastLuma: 12,
    /** Least change between two shots, in any light. */
    minChange: 20,
  },
};

/** The constants of the shot detector's rules, by rule. */
export type Rules = { readonly [Rule in keyof typeof rules]: Readonly<(typeof rules)[Rule]> };

/** The rules in use. Another set can be given to `ShotDetector`, to measure the effect of each. */
export const RULES: Rules = rules;
