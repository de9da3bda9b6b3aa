import { AV_PKT_DATA_DISPLAYMATRIX } from 'node-av/constants';
import type { Stream } from 'node-av/lib';

/** Clockwise turn that brings a track's pictures upright. */
export function rotationOf(stream: Stream): 0 | 90 | 180 | 270 {
  const matrix = stream.codecpar.getCodedSideData(AV_PKT_DATA_DISPLAYMATRIX);
  return matrix && matrix.length >= 36 ? rotationOfMatrix(matrix) : 0;
}

/** The turn in a display matrix, a 3 × 3 of 32-bit numbers; mirroring, which some front cameras add, is left out. */
export function rotationOfMatrix(matrix: Buffer): 0 | 90 | 180 | 270 {
  const [a, b, c, d] = [0, 4, 12, 16].map((offset) => matrix.readInt32LE(offset)) as [number, number, number, number];
  const isMirrored = a * d - b * c < 0;
  const quarter = Math.round((isMirrored ? Math.atan2(-b, -a) : Math.atan2(b, a)) / (Math.PI / 2));
  return ([0, 90, 180, 270] as const)[((quarter % 4) + 4) % 4]!;
}
