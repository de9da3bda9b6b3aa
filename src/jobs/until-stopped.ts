/**
 * Runs a step's work. When it is broken off because the process stops, the promise never settles: the step must not
 * count as failed, it goes on after the restart.
 */
export async function untilStopped<T>(stopping: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (stopping.aborted) return new Promise<never>(() => {});
    throw error;
  }
}
