import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ShotList, ShotTrace } from '../../workers/protocol.ts';

/** Maximum number of values per curve. In longer videos (over an hour at 24 fps) several frames share a value. */
const MAX_CURVE_VALUES = 100_000;
/** Quantisation step of the change curve, whose values are stored as bytes. */
const CHANGE_STEP = 0.5;
/** Quantisation step of the gradual transition score, stored as bytes. */
const GRADUAL_STEP = 0.01;

/**
 * Renders a self-contained HTML page with the shot detector's measurements over time, its thresholds, its boundaries
 * and a thumbnail of each shot.
 * @param name file name of the video
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
  // "<" is escaped so that a file name cannot end the script. The replacements are functions because "$" is special in
  // replacement strings.
  return part('page.html')
    .replace('<script src="page.js">', () => `<script>\n${part('page.js')}`)
    .replace('{}</script>', () => `${JSON.stringify(data).replaceAll('<', '\\u003c')}</script>`);
}

/** Quantised curves. Where frames share a value, it is that of the frame whose change most exceeds its threshold. */
function values({ timesSec, change, changeThreshold, gradual }: ShotTrace) {
  const framesPerValue = Math.max(1, Math.ceil(timesSec.length / MAX_CURVE_VALUES));
  const count = Math.ceil(timesSec.length / framesPerValue);
  const times = new Float32Array(count);
  const [changes, thresholds, graduals] = [new Uint8Array(count), new Uint8Array(count), new Uint8Array(count)];
  for (let i = 0; i < count; i++) {
    let [largest, most] = [i * framesPerValue, 0];
    for (let frame = i * framesPerValue; frame < Math.min(timesSec.length, (i + 1) * framesPerValue); frame++) {
      if (change[frame]! - changeThreshold[frame]! > change[largest]! - changeThreshold[largest]!) largest = frame;
      most = Math.max(most, gradual[frame]!);
    }
    times[i] = timesSec[i * framesPerValue]!;
    changes[i] = inSteps(change[largest]!, CHANGE_STEP);
    thresholds[i] = inSteps(changeThreshold[largest]!, CHANGE_STEP);
    graduals[i] = inSteps(most, GRADUAL_STEP);
  }
  return {
    framesPerValue,
    times: base64(new Uint8Array(times.buffer)),
    change: base64(changes),
    threshold: base64(thresholds),
    gradual: base64(graduals),
  };
}

/** Quantises a value to a byte. */
function inSteps(value: number, step: number): number {
  return Math.min(255, Math.round(value / step));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
