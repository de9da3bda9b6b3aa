import type { InferenceSession } from 'onnxruntime-node';
import type { ChosenDevice } from './device.ts';
import { loadOnnxRuntime, type OnnxRuntime } from './runtime.ts';

/**
 * Threads without work sleep. By default they spin, which takes the cores from whoever has work: the server, the other
 * workers, and on a small machine each other.
 */
export const NON_SPINNING_THREADS = { session: { intra_op: { allow_spinning: '0' } } } as const;

/**
 * Loads a graph. onnxruntime itself is loaded only here, so that who needs no model pays nothing for it.
 * @param options.threads of one operation; results do not depend on their number
 */
export async function openSession(
  file: string,
  { device, threads }: { device: ChosenDevice; threads: number },
): Promise<{ ort: OnnxRuntime; session: InferenceSession }> {
  const ort = await loadOnnxRuntime();
  const session = await ort.InferenceSession.create(file, {
    executionProviders: [device],
    intraOpNumThreads: threads,
    extra: NON_SPINNING_THREADS,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  });
  return { ort, session };
}
