import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { audioModel, TINY_VIT, textModel, visionModel } from './onnx/models.ts';

/** Vocabulary of the test tokenizer. */
const WORDS = ['[UNK]', '[CLS]', '[SEP]', '[PAD]', 'a', 'the', 'of', 'red', 'car', 'rain', 'sound', 'query', ':', 'x'];
/** `tokenizer.json` of a word-level tokenizer, in the format of Hugging Face's tokenizers library. */
const TOKENIZER = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [1, 2].map((id) => ({
    id,
    content: WORDS[id],
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: { type: 'Lowercase' },
  pre_tokenizer: { type: 'Whitespace' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
    ],
    pair: [],
    special_tokens: {
      '[CLS]': { id: '[CLS]', ids: [1], tokens: ['[CLS]'] },
      '[SEP]': { id: '[SEP]', ids: [2], tokens: ['[SEP]'] },
    },
  },
  decoder: null,
  model: { type: 'WordLevel', vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])), unk_token: '[UNK]' },
};

/** Minimal models with random weights, by path. */
export function testModels(): Record<string, Uint8Array> {
  return {
    'vision.onnx': visionModel(TINY_VIT),
    'audio.onnx': audioModel({ bands: 64 }),
    'text.onnx': textModel({ vocabulary: WORDS.length, pooled: true }),
    'sentence.onnx': textModel({ vocabulary: WORDS.length, width: 768 }),
    'tokenizer.json': Buffer.from(JSON.stringify(TOKENIZER)),
    'tokenizer_config.json': Buffer.from(JSON.stringify({ tokenizer_class: 'PreTrainedTokenizerFast' })),
  };
}

/** Source of the fixture's models: a folder beside the bundle file, or a hub. */
type Place = { folder: string } | { repo: string; revision: string; licence: string };

/** Bundle of the test models with every feature except inference servers and speech. */
export function bundleFixture(place: Place = { folder: 'files' }) {
  const text = {
    tokenizer: 'test/tokenizer.json',
    tokenizerConfig: 'test/tokenizer_config.json',
    maxTokens: 12,
    padId: 3,
  };
  const files = Object.entries(testModels()).map(([path, content]) => [
    path,
    { size: content.length, sha256: createHash('sha256').update(content).digest('hex') },
  ]);
  return {
    name: 'tiny',
    revision: '1',
    can: 'Nothing of use: its weights are random.',
    cannot: 'It does not understand anything.',
    licence: 'Apache-2.0',
    expect: { memoryMb: 100, speed: 'fast' },
    dimensions: [128, 256, 512],
    sources: { test: { ...place, files: Object.fromEntries(files) } },
    visual: {
      kind: 'onnx',
      file: 'test/vision.onnx',
      batch: 8,
      space: 'tiny/visual',
      input: 'pixel_values',
      output: { name: 'image_embeds' },
      pictures: {
        perSecond: 2,
        perClip: 8,
        width: 32,
        height: 32,
        fit: 'cover',
        filter: 'bicubic',
        mean: [0.5, 0.5, 0.5],
        deviation: [0.25, 0.25, 0.25],
      },
    },
    audio: {
      kind: 'onnx',
      file: 'test/audio.onnx',
      space: 'tiny/audio',
      input: 'input_features',
      output: { name: 'audio_embeds' },
      sound: {
        sampleRate: 16_000,
        windowSec: 2,
        fill: 'repeat',
        features: {
          kind: 'log-mel',
          frame: 512,
          hop: 160,
          bands: 64,
          lowHz: 50,
          highHz: 7000,
          scale: 'slaney',
          area: 'slaney',
        },
      },
    },
    transcription: {
      kind: 'onnx',
      file: 'test/sentence.onnx',
      space: 'tiny/text',
      output: { name: 'last_hidden_state', pooling: 'mean', dimension: 768 },
      text: { ...text, padding: 'none' },
    },
    textQueries: [
      {
        kind: 'onnx',
        file: 'test/text.onnx',
        space: 'tiny/visual',
        output: { name: 'text_embeds' },
        text: { ...text, padding: 'full' },
      },
      {
        kind: 'onnx',
        file: 'test/sentence.onnx',
        space: 'tiny/text',
        output: { name: 'last_hidden_state', pooling: 'mean', dimension: 768 },
        text: { ...text, padding: 'none', prefix: 'query: ' },
      },
    ],
  };
}

/** The fixture bundle with all options in one space. */
export function oneSpaceFixture() {
  const { textQueries, ...bundle } = bundleFixture();
  const space = 'one';
  return {
    ...bundle,
    name: 'one',
    visual: { ...bundle.visual, space },
    audio: { ...bundle.audio, space },
    transcription: { ...bundle.transcription, space },
    textQueries: textQueries.slice(0, 1).map((query) => ({ ...query, space })),
  };
}

/** Writes a bundle file, and its models if its source is a folder. @returns the path of the bundle file */
export async function writeBundle(folder: string, bundle: ReturnType<typeof bundleFixture>): Promise<string> {
  const { test } = bundle.sources;
  if ('folder' in test) {
    await mkdir(join(folder, test.folder), { recursive: true });
    for (const [path, content] of Object.entries(testModels()))
      await writeFile(join(folder, test.folder, path), content);
  }
  const file = join(folder, 'tiny.json');
  await writeFile(file, JSON.stringify(bundle, null, 2));
  return file;
}
