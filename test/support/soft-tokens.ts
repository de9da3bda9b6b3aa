import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REAL_MEDIA } from './real-media.ts';

/** Inputs of scripts/reference/soft-tokens.py, which computed soft-tokens-original.json and soft-tokens-port.json. */

/** Linear congruential generator modulo 2³² with the constants of Numerical Recipes, from 1. */
function randoms(count: number): Uint32Array {
  const out = new Uint32Array(count);
  for (let i = 0, state = 1; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[i] = state;
  }
  return out;
}

/** Random bytes, such as packed RGB. */
export function randomBytes(count: number): Uint8Array {
  return Uint8Array.from(randoms(count), (value) => value >>> 24);
}

/** Mono sound at 16 kHz. `speech` needs the real media. */
export function sound(kind: string, samples: number): Float32Array {
  if (kind === 'noise') return Float32Array.from(randoms(samples), (value) => (value >>> 8) / 2 ** 24 - 0.5);
  if (kind === 'speech') return speech(samples);
  const hertz = kind === 'tones' ? [60, 440, 3000] : [];
  return Float32Array.from({ length: samples }, (_, i) =>
    hertz.reduce((sum, each) => sum + 0.2 * Math.sin((2 * Math.PI * each * i) / 16_000), 0),
  );
}

function speech(samples: number): Float32Array {
  const wav = readFileSync(join(REAL_MEDIA, 'audio', 'speech', 'jfk.wav'));
  const start = wav.indexOf('data') + 8;
  return Float32Array.from({ length: samples }, (_, i) => wav.readInt16LE(start + 2 * i) / 32768);
}
