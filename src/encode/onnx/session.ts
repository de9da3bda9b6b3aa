import type { InferenceSession } from 'onnxruntime-node';
import type { ChosenDevice } from './device.ts';
import { loadOnnxRuntime, type OnnxRuntime } from './runtime.ts';

/**
 * Session options that let idle threads sleep. By default they spin, which takes CPU time from the server, the other
 * workers and, on small machines, each other.
 */
export const NON_SPINNING_THREADS = { session: { intra_op: { allow_spinning: '0' } } } as const;

/**
 * Loads a graph. Imports onnxruntime lazily, so that processes without models do not pay for it.
 * @param options.threads threads per operation; the results do not depend on them
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
