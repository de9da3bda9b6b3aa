import type { Bundle } from '../encoder.ts';
import { createAudioEncoder } from './audio.ts';
import { textEncoder } from './text.ts';
import { visualEncoder } from './visual.ts';

/** Vectors without a download: plain signal processing, described feature by feature in docs/encoders.md. */
export function createSignalBundle(): Bundle {
  return {
    name: 'signal',
    revision: '1',
    can: 'Finds clips that look, move or sound alike, copies of a clip, and subtitles that share words or stems.',
    cannot: 'It does not understand meaning: no search of pictures or sounds by words, and no synonyms.',
    visual: visualEncoder,
    audio: createAudioEncoder(),
    transcription: textEncoder,
  };
}
