import { type AudioEncoder, type Bundle, DIMENSION, type VisualEncoder } from '../encode/encoder.ts';
import type { Picture } from '../media/frames.ts';
import type { ClipJob, DecodedClip, OnProgress } from '../workers/protocol.ts';
import { embedChunk } from './embed-chunk.ts';

/**
 * Decodes a whole file as one segment: the pictures or the sound that the encoder of a task would get for it. Both are
 * empty if the file has none.
 */
export async function decodeClip(job: ClipJob, bundle: Bundle, onProgress: OnProgress): Promise<DecodedClip> {
  const { path, media, option } = job;
  const { durationSec, clock } = media;
  const pictures: Picture[] = [];
  const samples: Float32Array[] = [];
  const visual = bundle.visual && {
    ...unusable(bundle.visual),
    pictures: bundle.visual.pictures,
    encode: recording<Parameters<VisualEncoder['encode']>[0][number]>((clip) => pictures.push(...clip.pictures)),
  };
  const audio = bundle.audio && {
    ...unusable(bundle.audio),
    sampleRate: bundle.audio.sampleRate,
    ...(bundle.audio.resampling && { resampling: bundle.audio.resampling }),
    encode: recording<Parameters<AudioEncoder['encode']>[0][number]>((clip) => samples.push(clip.samples)),
  };
  const chunk = {
    path,
    range: { startSec: 0, endSec: durationSec },
    ...(clock && { clock }),
    segmentation: { strategy: 'fixed' as const, durationSec },
    options: [option],
  };
  await embedChunk(chunk, { ...bundle, ...(visual && { visual }), ...(audio && { audio }) }, onProgress);
  return { pictures, samples: samples[0] ?? new Float32Array() };
}

/** Fields of an encoder that has no model. */
function unusable({ space }: { space: string }) {
  return { space, close: async () => {} };
}

/** Encoding that records the clips. */
function recording<Clip>(record: (clip: Clip) => void) {
  return async (clips: readonly Clip[]): Promise<Float32Array[]> => {
    for (const clip of clips) record(clip);
    return clips.map(() => new Float32Array(DIMENSION));
  };
}
