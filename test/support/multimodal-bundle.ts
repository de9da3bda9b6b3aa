import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type MultimodalSize,
  multimodalTextModel,
  pictureTokensModel,
  soundTokensModel,
} from './onnx/multimodal-models.ts';

/** Special tokens of the test tokenizer, by name. */
export const SPECIAL = {
  begin: '<bos>',
  end: '<eos>',
  pictureBegin: '<|image>',
  pictureEnd: '<image|>',
  image: '<|image|>',
  video: '<|video|>',
  soundBegin: '<|audio>',
  soundEnd: '<audio|>',
  sound: '<|audio|>',
} as const;
const WORDS = [
  ...['<pad>', SPECIAL.end, SPECIAL.begin, '<unk>'],
  ...['task', 'query', 'title', 'none', 'text', ':', '|', 'a', 'the', 'red', 'car', 'rain', 'and', 'in'],
];
const MEDIA_TOKENS = [
  ...[SPECIAL.pictureBegin, SPECIAL.image, SPECIAL.pictureEnd, SPECIAL.video],
  ...[SPECIAL.soundBegin, SPECIAL.sound, SPECIAL.soundEnd],
];
const VOCABULARY = [...WORDS, ...MEDIA_TOKENS];

/** Id of a token of the test tokenizer. */
export const idOf = (token: string): number => VOCABULARY.indexOf(token);

/** Sizes of the test model. */
export const SMALL: MultimodalSize = {
  width: 32,
  vocabulary: VOCABULARY.length,
  placeholders: { image: idOf(SPECIAL.image), video: idOf(SPECIAL.video), audio: idOf(SPECIAL.sound) },
  patch: 16,
  pool: 3,
  bands: 128,
  framesPerToken: 4,
};

const special = (content: string) => ({
  id: idOf(content),
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});

/** The test tokenizer. */
export const TOKENIZER = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [SPECIAL.end, SPECIAL.begin, ...MEDIA_TOKENS].map(special),
  normalizer: { type: 'Lowercase' },
  pre_tokenizer: { type: 'Whitespace' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: SPECIAL.begin, type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: SPECIAL.end, type_id: 0 } },
    ],
    pair: [],
    special_tokens: Object.fromEntries(
      [SPECIAL.begin, SPECIAL.end].map((token) => [token, { id: token, ids: [idOf(token)], tokens: [token] }]),
    ),
  },
  decoder: null,
  model: {
    type: 'WordLevel',
    vocab: Object.fromEntries(VOCABULARY.map((word, id) => [word, id])),
    unk_token: '<unk>',
  },
};

/** Files of the small multimodal model, by path. */
export function multimodalFiles(): Record<string, Uint8Array> {
  return {
    'onnx/model.onnx': multimodalTextModel(SMALL),
    'onnx/vision_encoder.onnx': pictureTokensModel(SMALL),
    'onnx/audio_encoder.onnx': soundTokensModel(SMALL),
    'tokenizer.json': Buffer.from(JSON.stringify(TOKENIZER)),
    'tokenizer_config.json': Buffer.from(
      JSON.stringify({ tokenizer_class: 'PreTrainedTokenizerFast', unk_token: '<unk>' }),
    ),
  };
}

/** Source of the fixture's models: a folder beside the bundle file, or a hub. */
type Place = { folder: string } | { repo: string; revision: string; licence: string };

/** Bundle of a small multimodal model with the interfaces and the preprocessing of EmbeddingGemma 2. */
export function multimodalFixture(place: Place = { folder: 'files' }) {
  return {
    name: 'tiny-gemma',
    revision: '1',
    can: 'Nothing of use: its weights are random.',
    cannot: 'It does not understand anything.',
    licence: 'Apache-2.0',
    expect: { memoryMb: 100, speed: 'fast' },
    dimensions: [128, 256, 512],
    sources: {
      test: {
        ...place,
        files: Object.fromEntries(
          Object.entries(multimodalFiles()).map(([path, content]) => [
            path,
            { sha256: createHash('sha256').update(content).digest('hex') },
          ]),
        ),
      },
    },
    models: {
      gemma: {
        file: 'test/onnx/model.onnx',
        space: 'tiny-gemma',
        softTokenWidth: SMALL.width,
        text: {
          tokenizer: 'test/tokenizer.json',
          tokenizerConfig: 'test/tokenizer_config.json',
          query: 'task: query: ',
          document: 'title: none | text: ',
          maxTokens: 8192,
        },
        output: { name: 'sentence_embedding', dimension: 768 },
        pictures: {
          file: 'test/onnx/vision_encoder.onnx',
          batch: 2,
          patch: SMALL.patch,
          pool: SMALL.pool,
          begin: SPECIAL.pictureBegin,
          end: SPECIAL.pictureEnd,
          image: { placeholder: SPECIAL.image, input: 'image_features', tokens: 140 },
          video: { placeholder: SPECIAL.video, input: 'video_features', tokens: 70, perSecond: 1, perClip: 32 },
        },
        sound: {
          file: 'test/onnx/audio_encoder.onnx',
          sampleRate: 16_000,
          windowSec: 30,
          features: {
            frame: 320,
            hop: 160,
            fftSize: 512,
            bands: SMALL.bands,
            lowHz: 0,
            highHz: 8000,
            floor: 0.001,
            multiple: 128,
            framesPerToken: SMALL.framesPerToken,
          },
          begin: SPECIAL.soundBegin,
          placeholder: SPECIAL.sound,
          end: SPECIAL.soundEnd,
          input: 'audio_features',
        },
      },
    },
    visual: { kind: 'multimodal', model: 'gemma' },
    audio: { kind: 'multimodal', model: 'gemma' },
    transcription: { kind: 'multimodal', model: 'gemma' },
    textQueries: [{ kind: 'multimodal', model: 'gemma' }],
  };
}

/** Writes the bundle file and its models. @returns the path of the bundle file */
export async function writeMultimodalBundle(folder: string, bundle: object = multimodalFixture()): Promise<string> {
  for (const [path, content] of Object.entries(multimodalFiles())) {
    const target = join(folder, 'files', path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
  const file = join(folder, 'tiny-gemma.json');
  await writeFile(file, JSON.stringify(bundle, null, 2));
  return file;
}
