/** Learns mean and variance of each visual feature from the test films; writes `signal/visual/visual-model.json`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSignalBundle } from '../src/encode/signal/bundle.ts';
import { visualFeatures } from '../src/encode/signal/visual/visual-features.ts';
import { clipsOf } from './clips.ts';
import { mediaFiles } from './media.ts';
import { moments, rounded } from './moments.ts';
import { recordingOf } from './recordings.ts';

const bundle = createSignalBundle();
const clips = mediaFiles('video', /\.(mp4|webm|ts)$/).flatMap((path) =>
  clipsOf(path, bundle, 6).visual.map(({ pictures }) => ({
    recording: recordingOf(path),
    topics: visualFeatures(pictures),
  })),
);
// Each recording has the same weight; otherwise a few minutes of one film would dominate.
const weights = clips.map(({ recording }) => 1 / clips.filter((clip) => clip.recording === recording).length);
const rows = clips.map(({ topics }) => Float64Array.from(topics.flatMap((topic) => Array.from(topic))));
const { mean, variance } = moments(rows, weights);

// With few films, a feature that is constant in all (a colour that none has) may vary in others: half of each variance
// comes from its group of features.
let at = 0;
const spread = clips[0]!.topics.flatMap((topic) => {
  const own = variance.slice(at, at + topic.length);
  at += topic.length;
  const common = own.reduce((sum, value) => sum + value, 0) / own.length;
  return own.map((value) => Math.sqrt((value + common) / 2));
});
writeFileSync(
  join(import.meta.dirname, '../src/encode/signal/visual/visual-model.json'),
  `{\n  "mean": ${JSON.stringify(mean.map(rounded))},\n  "spread": ${JSON.stringify(spread.map(rounded))}\n}\n`,
);
