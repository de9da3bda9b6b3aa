import {
  type AudioEncoder,
  type Bundle,
  type BundleInfo,
  DIMENSION,
  type TextEncoder,
  type VisualEncoder,
} from '../encoder.ts';
import { AUDIO_SPACE, createAudioEncoder } from './audio/audio.ts';
import { textEncoder } from './text/text.ts';
import { visualEncoder } from './visual/visual.ts';

/** The built-in bundle: signal processing without models. `docs/encoders.md` documents every feature. */
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
  takesJointInput: false,
  dimensions: [DIMENSION],
};

/** Bundle that supports all options. */
interface SignalBundle extends Bundle {
  readonly visual: VisualEncoder;
  readonly audio: AudioEncoder;
  readonly transcription: TextEncoder;
}

/** Creates the `signal` bundle. */
export function createSignalBundle(): SignalBundle {
  return {
    ...SIGNAL,
    visual: visualEncoder,
    audio: createAudioEncoder(),
    transcription: textEncoder,
    textQueries: [textEncoder],
  };
}
