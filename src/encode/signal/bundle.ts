import {
  type AudioEncoder,
  type Bundle,
  type BundleInfo,
  DIMENSION,
  type TextEncoder,
  type VisualEncoder,
} from '../encoder.ts';
import { AUDIO_SPACE, createAudioEncoder } from './audio/audio.ts';
import { textEncoder } from './text.ts';
import { visualEncoder } from './visual/visual.ts';

/** Vectors without a download: plain signal processing, described feature by feature in docs/encoders.md. */
export const SIGNAL: BundleInfo = {
  name: 'signal',
  revision: '1',
  can: 'Finds clips that look, move or sound alike, copies of a clip, and subtitles that share words or stems.',
  cannot: 'It does not understand meaning: no search of pictures or sounds by words, and no synonyms.',
  licence: 'Apache-2.0',
  memoryBytes: 0,
  transcribesSpeech: false,
  spaces: { visual: visualEncoder.space, audio: AUDIO_SPACE, transcription: textEncoder.space },
  textQuerySpaces: [textEncoder.space],
  dimensions: [DIMENSION],
};

/** A bundle of which every part is there. */
interface SignalBundle extends Bundle {
  readonly visual: VisualEncoder;
  readonly audio: AudioEncoder;
  readonly transcription: TextEncoder;
}

export function createSignalBundle(): SignalBundle {
  return {
    ...SIGNAL,
    visual: visualEncoder,
    audio: createAudioEncoder(),
    transcription: textEncoder,
    textQueries: [textEncoder],
  };
}
