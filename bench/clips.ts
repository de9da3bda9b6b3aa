import type { AudioClip, AudioEncoder, VisualClip, VisualEncoder } from '../src/encode/encoder.ts';
import { decode } from '../src/media/decode.ts';
import type { Picture, Sound } from '../src/media/frames.ts';
import { probe } from '../src/media/probe.ts';
import { resample } from '../src/media/resample.ts';
import { fixedSegments } from '../src/segment/fixed.ts';

export interface MediaClips {
  readonly visual: VisualClip[];
  readonly audio: AudioClip[];
}

/** Decodes a whole file and cuts it into fixed clips, as the pipeline does. No clips if the track is missing. */
export function clipsOf(
  path: string,
  bundle: { visual: VisualEncoder; audio: AudioEncoder },
  durationSec: number,
): MediaClips {
  const pictures: Picture[] = [];
  const sounds: Sound[] = [];
  for (const event of decode({ path, sampled: bundle.visual.pictures, sound: true })) {
    if (event.type === 'picture') pictures.push(event.picture);
    if (event.type === 'sound') sounds.push({ ...event.sound, samples: event.sound.samples.slice() });
  }
  const segments = fixedSegments({ startSec: 0, endSec: probe(path).durationSec }, durationSec);
  return {
    visual: segments
      .map((segment) => ({ ...segment, pictures: pictures.filter((picture) => isIn(picture.timeSec, segment)) }))
      .filter((clip) => clip.pictures.length > 0),
    audio: segments
      .map((segment) => ({ ...segment, samples: cut(sounds, segment, bundle.audio.sampleRate) }))
      .filter((clip) => clip.samples.length > 0),
  };
}

function isIn(timeSec: number, segment: { startSec: number; endSec: number }): boolean {
  return timeSec >= segment.startSec && timeSec < segment.endSec;
}

/** Samples of a segment at the requested rate, without gaps between stretches of sound. */
function cut(
  sounds: readonly Sound[],
  segment: { startSec: number; endSec: number },
  sampleRate: number,
): Float32Array {
  const parts: Float32Array[] = [];
  for (const { startSec, sampleRate: rate, samples } of sounds) {
    const from = Math.max(0, Math.round((segment.startSec - startSec) * rate));
    const to = Math.min(samples.length, Math.round((segment.endSec - startSec) * rate));
    if (from < to) parts.push(samples.subarray(from, to));
  }
  const joined = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return resample(joined, sounds[0]?.sampleRate ?? sampleRate, { sampleRate });
}
