import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ShotList, ShotTrace } from '../../workers/protocol.ts';

/** Values drawn at the most; several pictures share one in films that have more, an hour and more at 24 a second. */
const MOST_VALUES = 100_000;
/** Values are kept in a byte: what one step of it is. */
const CHANGE_STEP = 0.5;
const GRADUAL_STEP = 0.01;

/**
 * One HTML file that needs no other: what the shot detector measured over time, what it takes, and what it found, with
 * a picture of each shot.
 * @param name of the film
 */
export function shotsPlot(name: string, list: ShotList, trace: ShotTrace): string {
  const { timesSec, gradualThreshold, thumbnails } = trace;
  const { shots, durationSec, frameCount } = list;
  const secOf = (frame: number) => timesSec[frame] ?? durationSec;
  const data = {
    name,
    durationSec,
    frameCount,
    ...values(trace),
    changeStep: CHANGE_STEP,
    gradualStep: GRADUAL_STEP,
    gradualThreshold,
    shots: shots.map(({ startFrame, startSec, endSec, transition, transitionFrames: [start, end] }, i) => ({
      startFrame,
      startSec,
      endSec,
      transition,
      extentSec: [secOf(start), secOf(end)],
      thumbnail: thumbnails[i] && base64(thumbnails[i]),
    })),
  };
  const part = (file: string) => readFileSync(join(import.meta.dirname, file), 'utf8');
  // No "<" in the data, so that a file name cannot end the script; replaced by functions, because of "$" in strings.
  return part('page.html')
    .replace('<script src="page.js">', () => `<script>\n${part('page.js')}`)
    .replace('{}</script>', () => `${JSON.stringify(data).replaceAll('<', '\\u003c')}</script>`);
}

/** The curves; where pictures share a value it is that of the one whose change stands out most. */
function values({ timesSec, change, changeThreshold, gradual }: ShotTrace) {
  const picturesEach = Math.max(1, Math.ceil(timesSec.length / MOST_VALUES));
  const count = Math.ceil(timesSec.length / picturesEach);
  const times = new Float32Array(count);
  const [changes, thresholds, graduals] = [new Uint8Array(count), new Uint8Array(count), new Uint8Array(count)];
  for (let i = 0; i < count; i++) {
    let [largest, most] = [i * picturesEach, 0];
    for (let frame = i * picturesEach; frame < Math.min(timesSec.length, (i + 1) * picturesEach); frame++) {
      if (change[frame]! - changeThreshold[frame]! > change[largest]! - changeThreshold[largest]!) largest = frame;
      most = Math.max(most, gradual[frame]!);
    }
    times[i] = timesSec[i * picturesEach]!;
    changes[i] = inSteps(change[largest]!, CHANGE_STEP);
    thresholds[i] = inSteps(changeThreshold[largest]!, CHANGE_STEP);
    graduals[i] = inSteps(most, GRADUAL_STEP);
  }
  return {
    picturesEach,
    times: base64(new Uint8Array(times.buffer)),
    change: base64(changes),
    threshold: base64(thresholds),
    gradual: base64(graduals),
  };
}

function inSteps(value: number, step: number): number {
  return Math.min(255, Math.round(value / step));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
