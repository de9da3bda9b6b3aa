import type { TimeRange } from '../../src/domain/time-range.ts';
import { decode } from '../../src/media/decode.ts';
import type { Picture } from '../../src/media/frames.ts';

/** Decodes all pictures of a range, scaled down. */
export function picturesOf(path: string, range?: TimeRange, { width = 64, height = 36 } = {}): Picture[] {
  const everyPicture = { width, height, fit: 'stretch' as const };
  const events = decode({ path, everyPicture, ...(range && { range }) });
  return [...events].flatMap((event) => (event.type === 'picture' ? [event.picture] : []));
}

/** Decodes the first picture at or after a time. */
export function pictureAt(path: string, timeSec: number, size?: { width: number; height: number }): Picture {
  return picturesOf(path, { startSec: timeSec, endSec: timeSec + 1 }, size)[0]!;
}

/** Mean difference of two pictures, 0 to 255. */
export function difference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}

/** Rotates a picture clockwise by 90 degrees. */
export function turned({ width, height, data }: Picture): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      out.set(data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3), (x * height + (height - 1 - y)) * 3);
    }
  }
  return out;
}

/** Time ranges of a file with audible sound, in seconds. */
export function soundStretches(path: string): TimeRange[] {
  const stretches: { startSec: number; endSec: number }[] = [];
  for (const event of decode({ path, sound: true })) {
    if (event.type !== 'sound') continue;
    const { startSec, samples, sampleRate } = event.sound;
    const endSec = startSec + samples.length / sampleRate;
    const last = stretches.at(-1);
    if (last && Math.abs(startSec - last.endSec) < 0.05) last.endSec = endSec;
    else stretches.push({ startSec, endSec });
  }
  return stretches;
}
