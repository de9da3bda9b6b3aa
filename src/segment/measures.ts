/**
 * The constants of the measures that the rules compare: how signatures are made, and how two of them differ. Every threshold
 * in `rules.ts` depends on them, so they cannot be replaced one by one.
 */
export const MEASURES = {
  /** Planes of a picture (`signature.ts`). */
  signature: {
    /** Standard deviation of the pattern plane: the unit of all changes of pattern. */
    patternDeviation: 64,
    /**
     * Added to a picture's contrast before its pattern is divided by it, so that noise of an almost even picture does not
     * become structure. Compression leaves about this much on a plain surface.
     */
    noiseContrastLuma: 4,
    /** Half the side of the square whose mean is subtracted to leave the detail, in pixels of the plane. */
    detailRadiusPixels: 4,
  },

  /** Motion-compensated difference of two pictures (`compare` in `change.ts`). */
  change: {
    /** Search range for a block: 6 % of the width and 11 % of the height between two pictures. */
    searchPixels: 2,
    /** Mean difference up to which a block has not moved, so that noise is not searched. Units of the plane. */
    quietDifference: 1.5,
    /** Weight of a colour difference beside a difference of pattern. */
    colourWeight: 0.5,
  },

  /** Share of the detail that two pictures have in common (`keptDetail` in `change.ts`). */
  keptDetail: {
    /** Mean detail up to which a block is plain and does not count, in quarter steps of luma. */
    plainDetail: 6,
    /** Mean detail from which a block's weight grows no more, in quarter steps of luma. */
    texturedDetail: 40,
    /** Largest difference of the best match, as a share of the detail, at which a block is kept. */
    keptShare: 0.4,
    /** Least difference of the best match, as a share of the detail, at which a block is gone. */
    goneShare: 0.6,
  },

  /** Share of the lit picture that is unchanged in place (`unchangedShare` in `change.ts`). */
  unchanged: {
    /** Luma below which both pixels are black and do not count. */
    minLitLuma: 12,
    /** Least share of the picture that counts as lit. */
    minLitShare: 0.25,
    /** Difference up to which a pixel is unchanged, as a share of the contrast. */
    maxContrastShare: 0.2,
    /** Difference up to which a pixel is unchanged at any contrast, in steps of luma and of colour difference. */
    minTolerance: 3,
  },

  /** Correlation of the detail of two pictures (`likeness.ts`). */
  likeness: {
    /** Added to the energy of a block, so that the noise of a plain one is like nothing. Quarter steps of luma, squared. */
    noiseEnergy: 60,
  },

  /** Correlation of two pictures in place (`lighting-change.ts`). */
  correlation: {
    /** Added to the energy of both, so that the noise of plain pictures is like nothing. Steps of luma, squared. */
    noiseEnergy: 100,
  },

  /** Prediction of a window's pictures by blends, pieces and displaced blocks (`blend.ts`). */
  blend: {
    /** Share of one picture in the two uneven blends that are tried beside the even one. */
    unevenShare: 0.3,
    /** Added to differences of luma that others are divided by, so that noise alone decides nothing. Per pixel. */
    noiseLuma: 0.5,
    /** Added to differences of pattern that others are divided by. Per pixel. */
    noisePattern: 2,
    /** Energy of detail that is noise, per pixel. Quarter steps of luma, squared. */
    noiseDetailEnergy: 9,
    /** A blend of two patterns has less contrast than a pattern, so the best one explains less than a blend of lumas. */
    patternGraceRatio: 1.2,
  },
} as const;
