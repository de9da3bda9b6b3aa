import { AVDISCARD_ALL, AVDISCARD_DEFAULT, AVSEEK_FLAG_BACKWARD, AVSEEK_FLAG_BYTE } from 'node-av/constants';
import type { Stream } from 'node-av/lib';
import type { Clock } from './clock.ts';
import type { Container } from './container.ts';

/**
 * Seconds before the range at which reading starts: an audio decoder needs a few packets to settle, and a container
 * may hold the sound of a moment well before its picture.
 */
export const PRE_ROLL_SEC = 2;

/** Has the demuxer skip every track but these. */
export function readOnly(container: Container, wanted: readonly (Stream | undefined)[]): void {
  for (const stream of container.context.streams) {
    stream.discard = wanted.some((other) => other?.index === stream.index) ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
}

/** Goes to the last key frame at or before a time, in seconds from the start of the file. */
export function seek(container: Container, timeSec: number, clock: Clock | undefined): void {
  if (clock) {
    container.context.seekFrameSync(-1, BigInt(clock.byteBefore(timeSec)), AVSEEK_FLAG_BYTE);
    return;
  }
  // Where a container cannot seek, reading starts where it stands and what comes too early is dropped.
  const target = BigInt(Math.round((Math.max(0, timeSec) + container.startSec) * 1e6));
  if (timeSec > 0) container.context.seekFrameSync(-1, target, AVSEEK_FLAG_BACKWARD);
}
