/** Segments of equal length. The last one may be shorter. */
export interface FixedSegmentation {
  readonly strategy: 'fixed';
  /** Length of a segment, in seconds. */
  readonly durationSec: number;
}

/** Segments that follow the shots. */
export interface DynamicSegmentation {
  readonly strategy: 'dynamic';
  /** Minimum length of a segment, in seconds. Shorter shots are merged. */
  readonly minDurationSec: number;
}

/** Method that divides a time range into segments. */
export type Segmentation = FixedSegmentation | DynamicSegmentation;
