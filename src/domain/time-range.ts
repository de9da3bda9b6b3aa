/** Half-open time range, in seconds from the start of the file: includes `startSec`, excludes `endSec`. */
export interface TimeRange {
  readonly startSec: number;
  readonly endSec: number;
}
