import { setImmediate } from 'node:timers/promises';

/** Describes clip after clip, each on its own, and looks up between two of them: for an abort, and to let others work. */
export async function encodeEach<Clip>(
  clips: readonly Clip[],
  describe: (clip: Clip) => Float32Array,
  signal?: AbortSignal,
): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  for (const clip of clips) {
    signal?.throwIfAborted();
    vectors.push(describe(clip));
    await setImmediate();
  }
  return vectors;
}
