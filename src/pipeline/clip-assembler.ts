import type { AudioClip, VisualClip } from '../encode/encoder.ts';
import type { Picture, Sound, SoundRate, TimeRange } from '../media/frames.ts';
import { resample } from '../media/resample.ts';
import type { Coverage } from './coverage.ts';
import { SoundBuffer } from './sound-buffer.ts';

/** Sound shorter than this is no clip: a vector of it would describe the decoder's padding. Seconds. */
const MIN_SOUND_SEC = 0.1;

/** Holds the pictures and the sound of the segments that are not complete yet, and hands them out as clips. */
export class ClipAssembler {
  readonly #coverage: Pick<Coverage, 'shows' | 'sounds'>;
  readonly #picturesPerSecond: number;
  readonly #rate: SoundRate;
  readonly #sound = new SoundBuffer();
  #pictures: Picture[] = [];
  /** The last picture before those held. */
  #shown: Picture | undefined;

  /** @param options.sound of the clips */
  constructor(options: {
    coverage: Pick<Coverage, 'shows' | 'sounds'>;
    picturesPerSecond: number;
    sound: SoundRate;
  }) {
    this.#coverage = options.coverage;
    this.#picturesPerSecond = options.picturesPerSecond;
    this.#rate = options.sound;
  }

  /** @param isEarlier it began before the chunk */
  pushPicture(picture: Picture, isEarlier = false): void {
    if (isEarlier) this.#shown = picture;
    else this.#pictures.push(picture);
  }

  pushSound(sound: Sound): void {
    this.#sound.push(sound);
  }

  /**
   * The pictures that are seen in a segment: those that begin in it, and the one that stands on the screen before the
   * first of them, if it does so for longer than from one sample to the next. Nothing where there is no content, or
   * before the first picture.
   */
  visual(segment: TimeRange): VisualClip | undefined {
    const { startSec, endSec } = segment;
    const pictures = this.#pictures.filter(({ timeSec }) => timeSec >= startSec && timeSec < endSec);
    const shown = this.#pictures.findLast(({ timeSec }) => timeSec < startSec) ?? this.#shown;
    const until = Math.min(endSec, pictures[0]?.timeSec ?? endSec);
    const isLong = pictures.length === 0 || until - startSec > 1 / this.#picturesPerSecond + 1e-6;
    if (shown && isLong && this.#coverage.shows({ startSec, endSec: until })) pictures.unshift(shown);
    return pictures.length > 0 ? { ...segment, pictures } : undefined;
  }

  /** The sound of a segment at the encoder's rate; nothing when the track has none there. */
  audio(segment: TimeRange): AudioClip | undefined {
    const { sampleRate } = this.#sound;
    if (sampleRate === 0 || !this.#coverage.sounds(segment)) return undefined;
    const samples = this.#sound.read(segment);
    if (samples.length < MIN_SOUND_SEC * sampleRate) return undefined;
    return { ...segment, samples: resample(samples, sampleRate, this.#rate) };
  }

  /** Lets go of everything before a time. */
  drop(beforeSec: number): void {
    this.#sound.drop(beforeSec);
    this.#shown = this.#pictures.findLast((p) => p.timeSec < beforeSec) ?? this.#shown;
    this.#pictures = this.#pictures.filter((p) => p.timeSec >= beforeSec);
  }
}
