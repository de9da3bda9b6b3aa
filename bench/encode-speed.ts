/** Encoding speed of the signal bundle: seconds of film per second of one core, without decoding. */
import { createSignalBundle } from '../src/encode/signal/bundle.ts';
import { clipsOf } from './clips.ts';
import { mediaFiles } from './media.ts';
import { checkTargets } from './report.ts';

const ROUNDS = 20;
const bundle = createSignalBundle();
const clips = mediaFiles('video', /^tos_.*\.ts$/).map((path) => clipsOf(path, bundle, 6));
const durationSec = clips.flatMap(({ visual }) => visual).reduce((sum, clip) => sum + clip.endSec - clip.startSec, 0);

async function encodeAll(): Promise<void> {
  for (const { visual, audio } of clips) {
    await bundle.visual.encode(visual);
    await bundle.audio.encode(audio);
  }
}

await encodeAll();
// Processor time: other work on the machine does not count.
const start = process.cpuUsage();
for (let round = 0; round < ROUNDS; round++) await encodeAll();
const { user, system } = process.cpuUsage(start);
const speed = (ROUNDS * durationSec) / ((user + system) / 1e6);
checkTargets([
  { what: 'pictures and sound together', got: `${speed.toFixed(0)}× real time`, want: '≥ 200×', met: speed >= 200 },
]);
