/** Learns the constants of the audio encoder from all folds of ESC-10; writes `encode/signal/audio/audio-model.json`. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { learn, readEsc10 } from './audio-learning.ts';

const { mean, spread, directions } = learn(readEsc10());
const rows = directions.map((direction) => `    ${JSON.stringify(direction)}`).join(',\n');
writeFileSync(
  join(import.meta.dirname, '../src/encode/signal/audio/audio-model.json'),
  `{\n  "mean": ${JSON.stringify(mean)},\n  "spread": ${JSON.stringify(spread)},\n  "directions": [\n${rows}\n  ]\n}\n`,
);
