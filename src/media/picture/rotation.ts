import { AV_PKT_DATA_DISPLAYMATRIX } from 'node-av/constants';
import type { Stream } from 'node-av/lib';

/** Clockwise rotation that brings a track's pictures upright, in degrees. */
export function rotationOf(stream: Stream): 0 | 90 | 180 | 270 {
  const matrix = stream.codecpar.getCodedSideData(AV_PKT_DATA_DISPLAYMATRIX);
  return matrix && matrix.length >= 36 ? rotationOfMatrix(matrix) : 0;
}

/** Rotation of a display matrix (3 × 3 32-bit numbers), in degrees. Ignores mirroring, which some front cameras add. */
export function rotationOfMatrix(matrix: Buffer): 0 | 90 | 180 | 270 {
  const [a, b, c, d] = [0, 4, 12, 16].map((offset) => matrix.readInt32LE(offset)) as [number, number, number, number];
  const isMirrored = a * d - b * c < 0;
  const quarter = Math.round((isMirrored ? Math.atan2(-b, -a) : Math.atan2(b, a)) / (Math.PI / 2));
  return ([0, 90, 180, 270] as const)[((quarter % 4) + 4) % 4]!;
}
