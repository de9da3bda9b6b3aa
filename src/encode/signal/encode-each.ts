import { setImmediate } from 'node:timers/promises';

/** Encodes clips one by one. Between clips it yields to the event loop and checks the signal. */
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
