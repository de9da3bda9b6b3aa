import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import type { Picture } from '../../src/media/frames.ts';
import { SHOT_PICTURE } from '../../src/segment/shots.ts';

/** A cut as its frame, a gradual transition as its first picture, middle and end. */
export type ShortBoundary = number | readonly [startFrame: number, frame: number, endFrame: number];

/** Pictures of a composed film around a place where one rule of the shot detector decides. */
export interface StoredWindow {
  readonly pictures: readonly Picture[];
  readonly boundaries: readonly ShortBoundary[];
}

interface StoredFile {
  /** Film and picture. Planes may be smaller, grey and of fewer levels than that film's, as far as the rule still decides. */
  readonly source: string;
  /** Size of the planes, in pixels. */
  readonly width: number;
  readonly height: number;
  /** 3 for colour, 1 for grey. */
  readonly channels: 1 | 3;
  readonly timesSec: readonly number[];
  readonly boundaries: readonly ShortBoundary[];
  /** Planes, each less the one before, compressed by raw deflate, in base64. */
  readonly planes: string;
}

/** Reads a window from `shot-windows`. */
export function storedWindow(name: string): StoredWindow {
  const path = join(import.meta.dirname, 'shot-windows', `${name}.json`);
  const { width, height, channels, timesSec, boundaries, planes }: StoredFile = JSON.parse(readFileSync(path, 'utf8'));
  const differences = inflateRawSync(Buffer.from(planes, 'base64'));
  const plane = new Uint8Array(width * height * channels);
  const pictures = timesSec.map((timeSec, number) => {
    for (let i = 0; i < plane.length; i++) plane[i]! += differences[number * plane.length + i]!;
    return { timeSec, width: SHOT_PICTURE.width, height: SHOT_PICTURE.height, data: magnified(plane, width, channels) };
  });
  return { pictures, boundaries };
}

/** Repeats pixels and channels up to the size and the three channels of `SHOT_PICTURE`. */
function magnified(plane: Uint8Array, width: number, channels: number): Uint8Array {
  const scale = SHOT_PICTURE.width / width;
  return Uint8Array.from({ length: SHOT_PICTURE.width * SHOT_PICTURE.height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % SHOT_PICTURE.width, Math.floor(i / 3 / SHOT_PICTURE.width)];
    return plane[(Math.floor(y / scale) * width + Math.floor(x / scale)) * channels + (channels === 1 ? 0 : i % 3)]!;
  });
}
