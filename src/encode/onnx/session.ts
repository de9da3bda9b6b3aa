import type { InferenceSession } from 'onnxruntime-node';
import type { ChosenDevice } from './device.ts';

type Ort = typeof import('onnxruntime-node');

/**
 * Loads a graph. onnxruntime itself is loaded only here, so that who needs no model pays nothing for it.
 * @param options.threads of one operation; results do not depend on their number
 */
export async function openSession(
  file: string,
  { device, threads }: { device: ChosenDevice; threads: number },
): Promise<{ ort: Ort; session: InferenceSession }> {
  const ort = await import('onnxruntime-node');
  const session = await ort.InferenceSession.create(file, {
    executionProviders: [device],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  });
  return { ort, session };
}
