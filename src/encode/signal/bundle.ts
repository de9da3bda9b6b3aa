import { type Bundle, type BundleInfo, DIMENSION } from '../encoder.ts';
import { AUDIO_SPACE, createAudioEncoder } from './audio.ts';
import { textEncoder } from './text.ts';
import { visualEncoder } from './visual.ts';

/** Vectors without a download: plain signal processing, described feature by feature in docs/encoders.md. */
export const SIGNAL: BundleInfo = {
  name: 'signal',
  revision: '1',
  can: 'Finds clips that look, move or sound alike, copies of a clip, and subtitles that share words or stems.',
  cannot: 'It does not understand meaning: no search of pictures or sounds by words, and no synonyms.',
  spaces: { visual: visualEncoder.space, audio: AUDIO_SPACE, transcription: textEncoder.space },
  textQuerySpaces: [textEncoder.space],
  dimensions: [DIMENSION],
};

export function createSignalBundle(): Bundle {
  return {
    ...SIGNAL,
    visual: visualEncoder,
    audio: createAudioEncoder(),
    transcription: textEncoder,
    textQueries: [textEncoder],
  };
}
