/**
 * Writes test/support/soft-tokens-port.json: the results of the picture and sound processors of `@huggingface/transformers`
 * 4.3.2 for the inputs of test/support/soft-tokens-original.json. The port resizes without antialiasing, so only pictures
 * that need no resize have pixels here. No weights are needed.
 *
 * Usage: node scripts/reference/soft-tokens.js FOLDER_WITH_NODE_MODULES MEDIA_FOLDER
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [modules, media] = process.argv.slice(2);
const requireModule = createRequire(resolve(modules, 'package.json'));
const { Gemma4ImageProcessor, Gemma4AudioFeatureExtractor, RawImage } = requireModule('@huggingface/transformers');
const support = (name) => new URL(`../../test/support/${name}`, import.meta.url);
const { sizes, pictures, sounds } = JSON.parse(readFileSync(support('soft-tokens-original.json'), 'utf8'));

function* randoms() {
  for (let state = 1; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state;
  }
}

const take = (count, map) => Array.from(randoms().take(count), map);

function sound({ kind, samples }) {
  if (kind === 'silence') return new Float32Array(samples);
  if (kind === 'noise') return Float32Array.from(take(samples, (value) => (value >>> 8) / 2 ** 24 - 0.5));
  if (kind === 'speech') {
    const wav = readFileSync(join(media, 'audio', 'speech', 'jfk.wav'));
    const start = wav.indexOf('data') + 8;
    return Float32Array.from({ length: samples }, (_, i) => wav.readInt16LE(start + 2 * i) / 32768);
  }
  const wave = (hertz, i) => 0.2 * Math.sin((2 * Math.PI * hertz * i) / 16000);
  return Float32Array.from({ length: samples }, (_, i) => wave(60, i) + wave(440, i) + wave(3000, i));
}

const sha256 = (values) => createHash('sha256').update(values).digest('hex');
const processor = (budget) => new Gemma4ImageProcessor({ max_soft_tokens: budget });

async function tokensOf([width, height, budget]) {
  const image = new RawImage(new Uint8ClampedArray(width * height * 3), width, height, 3);
  return (await processor(budget)([image])).num_soft_tokens_per_image[0];
}

async function patches({ width, height, maxTokens }) {
  const bytes = Uint8ClampedArray.from(take(width * height * 3, (value) => value >>> 24));
  const out = await processor(maxTokens)([new RawImage(bytes, width, height, 3)]);
  const pixels = Uint8Array.from(out.pixel_values.data, (value) => Math.round(value * 255));
  return {
    width,
    height,
    maxTokens,
    softTokens: out.num_soft_tokens_per_image[0],
    pixelsSha256: sha256(pixels),
    positionsSha256: sha256(new Uint8Array(out.image_position_ids.data.buffer)),
  };
}

async function frames({ kind, samples, features: { step } }) {
  const extractor = new Gemma4AudioFeatureExtractor({
    feature_size: 128,
    sampling_rate: 16000,
    frame_length: 320,
    hop_length: 160,
    fft_length: 512,
    min_frequency: 0,
    max_frequency: 8000,
    mel_floor: 0.001,
    preemphasis: 0,
    preemphasis_htk_flavor: true,
    padding_value: 0,
  });
  const { input_features: features, input_features_mask: mask } = await extractor(sound({ kind, samples }));
  const held = [...mask.data].map(Number);
  const values = [...features.data].filter((_, i) => i % step === 0).map((value) => Number(value.toFixed(6)));
  return {
    kind,
    samples,
    frames: held.length,
    whole: held.filter((value) => value).length,
    softTokens: held.filter((value, i) => value && i % 4 === 0).length,
    features: { length: features.data.length, step, values },
  };
}

const all = async (items, map) => {
  const out = [];
  for (const item of items) out.push(await map(item));
  return out;
};
const ready = pictures.filter(({ width, height }) => width % 48 === 0 && height % 48 === 0);
const reference = {
  'made with': { '@huggingface/transformers': '4.3.2' },
  softTokens: await all(sizes, tokensOf),
  pictures: await all(ready, patches),
  sounds: await all(sounds, frames),
};
writeFileSync(support('soft-tokens-port.json'), `${JSON.stringify(reference)}\n`);
