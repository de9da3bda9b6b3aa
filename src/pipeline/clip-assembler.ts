import type { AudioClip, VisualClip } from '../encode/encoder.ts';
import type { Picture, Sound, SoundRate, TimeRange } from '../media/frames.ts';
import { resample } from '../media/resample.ts';
import { SoundBuffer } from './sound-buffer.ts';

/** Sound shorter than this is no clip: a vector of it would describe the decoder's padding. Seconds. */
const SHORTEST_SOUND_SEC = 0.1;

/** Holds the pictures and the sound of the segments that are not complete yet, and hands them out as clips. */
export class ClipAssembler {
  readonly #picturesPerSecond: number;
  readonly #rate: SoundRate;
  readonly #sound = new SoundBuffer();
  #pictures: Picture[] = [];
  /** The last picture before those held, and how long it was shown at least. */
  #shown: Picture | undefined;
  #shownSec = 0;

  /** @param options.sound of the clips */
  constructor(options: { picturesPerSecond: number; sound: SoundRate }) {
    this.#picturesPerSecond = options.picturesPerSecond;
    this.#rate = options.sound;
  }

  pushPicture(picture: Picture): void {
    this.#pictures.push(picture);
  }

  pushSound(sound: Sound): void {
    this.#sound.push(sound);
  }

  /**
   * The pictures that are seen in a segment: those that begin in it, or the one that stands on the screen all through
   * it. Nothing when the picture track is over, or has not begun.
   */
  visual(segment: TimeRange): VisualClip | undefined {
    const pictures = this.#pictures.filter((p) => p.timeSec >= segment.startSec && p.timeSec < segment.endSec);
    if (pictures.length > 0) return { ...segment, pictures };
    const goesOn = this.#pictures.some((p) => p.timeSec >= segment.endSec);
    const shown = this.#shown;
    if (shown && (goesOn || shown.timeSec + this.#shownSec > segment.startSec))
      return { ...segment, pictures: [shown] };
    return undefined;
  }

  /** The sound of a segment at the encoder's rate; nothing when the track has none there. */
  audio(segment: TimeRange): AudioClip | undefined {
    const { sampleRate } = this.#sound;
    if (sampleRate === 0) return undefined;
    const samples = this.#sound.read(segment);
    if (samples.length < SHORTEST_SOUND_SEC * sampleRate) return undefined;
    return { ...segment, samples: resample(samples, sampleRate, this.#rate) };
  }

  /** Lets go of everything before a time. */
  drop(beforeSec: number): void {
    this.#sound.drop(beforeSec);
    for (const picture of this.#pictures) {
      if (picture.timeSec >= beforeSec) break;
      const interval = this.#shown ? picture.timeSec - this.#shown.timeSec : 0;
      this.#shownSec = Math.max(interval, 1 / this.#picturesPerSecond);
      this.#shown = picture;
    }
    this.#pictures = this.#pictures.filter((p) => p.timeSec >= beforeSec);
  }
}
