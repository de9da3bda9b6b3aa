import type { TimeRange } from '../domain/time-range.ts';
import type { AudioClip, VisualClip } from '../encode/encoder.ts';
import type { Picture, Sound, SoundRate } from '../media/frames.ts';
import { resample } from '../media/resample.ts';
import type { Coverage } from './coverage.ts';
import { SoundBuffer } from './sound-buffer.ts';

/** Minimum length of an audio clip, in seconds. A vector of less sound would describe the decoder's padding. */
const MIN_SOUND_SEC = 0.1;

/** Buffers the pictures and sound of incomplete segments and assembles the encoders' clips from them. */
export class ClipAssembler {
  readonly #coverage: Pick<Coverage, 'hasPictures' | 'hasSound'>;
  readonly #picturesPerSecond: number;
  readonly #rate: SoundRate;
  readonly #sound = new SoundBuffer();
  #pictures: Picture[] = [];
  /** The last picture before the buffered ones: it may still be on the screen. */
  #shown: Picture | undefined;

  /**
   * @param options.coverage content of the tracks; segments without content get no clip
   * @param options.picturesPerSecond rate at which the decoder samples pictures
   * @param options.sound sample rate and resampling quality of the audio clips
   */
  constructor(options: {
    coverage: Pick<Coverage, 'hasPictures' | 'hasSound'>;
    picturesPerSecond: number;
    sound: SoundRate;
  }) {
    this.#coverage = options.coverage;
    this.#picturesPerSecond = options.picturesPerSecond;
    this.#rate = options.sound;
  }

  /** @param isEarlier true for the picture that began before the chunk and is still shown */
  pushPicture(picture: Picture, isEarlier = false): void {
    if (isEarlier) this.#shown = picture;
    else this.#pictures.push(picture);
  }

  pushSound(sound: Sound): void {
    this.#sound.push(sound);
  }

  /**
   * Visual clip of a segment: the pictures that begin in it, preceded by the picture already on the screen if that one
   * stays for longer than the sampling interval.
   * @returns undefined without content in the segment, and before the first picture
   */
  visual(segment: TimeRange): VisualClip | undefined {
    const { startSec, endSec } = segment;
    const pictures = this.#pictures.filter(({ timeSec }) => timeSec >= startSec && timeSec < endSec);
    const shown = this.#pictures.findLast(({ timeSec }) => timeSec < startSec) ?? this.#shown;
    const until = Math.min(endSec, pictures[0]?.timeSec ?? endSec);
    const isLong = pictures.length === 0 || until - startSec > 1 / this.#picturesPerSecond + 1e-6;
    if (shown && isLong && this.#coverage.hasPictures({ startSec, endSec: until })) pictures.unshift(shown);
    return pictures.length > 0 ? { ...segment, pictures } : undefined;
  }

  /**
   * Audio clip of a segment, resampled to the encoder's rate.
   * @returns undefined where the track has no sound
   */
  audio(segment: TimeRange): AudioClip | undefined {
    const { sampleRate } = this.#sound;
    if (sampleRate === 0 || !this.#coverage.hasSound(segment)) return undefined;
    const samples = this.#sound.read(segment);
    if (samples.length < MIN_SOUND_SEC * sampleRate) return undefined;
    return { ...segment, samples: resample(samples, sampleRate, this.#rate) };
  }

  /** Discards everything before a time, except the picture that may still be on the screen then. */
  drop(beforeSec: number): void {
    this.#sound.drop(beforeSec);
    this.#shown = this.#pictures.findLast((p) => p.timeSec < beforeSec) ?? this.#shown;
    this.#pictures = this.#pictures.filter((p) => p.timeSec >= beforeSec);
  }
}
