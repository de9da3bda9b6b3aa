import { loadOnnxRuntime } from './runtime.ts';
import { NON_SPINNING_THREADS } from './session.ts';

/** ONNX graph with the product of two float32 matrices: c = a · b. The test builds the same bytes. */
export const PRODUCT_GRAPH = Buffer.from(
  'CAgSB3JlZWx2ZWM6YRIHcHJvZHVjdFoVCgFhEhAKDggBEgoKAxIBbQoDEgFrWhUKAWISEAoOCAESCgoDEgFrCgMSAW4KEQoBYQoBYhIBYyIGTWF0TXVs' +
    'YhUKAWMSEAoOCAESCgoDEgFtCgMSAW5CBAoAEBE=',
  'base64',
);
/** Rows of the product, as of 256 tokens. */
const ROWS = 256;
/** Inner length and columns of the product, as of the widest layer of a vision transformer. */
const [INNER, COLUMNS] = [768, 3072];
const GFLOP = (2 * ROWS * INNER * COLUMNS) / 1e9;
/** Runs, of which the fastest counts: other work on the machine only ever slows down. */
const RUNS = 6;

/**
 * Measures the speed of float32 matrix products on one thread of the processor, in a fraction of a second.
 * @returns gigaflop per second of processor time
 * @throws {Error} if onnxruntime is not installed
 */
export async function measureCoreSpeed(): Promise<number> {
  const { InferenceSession, Tensor } = await loadOnnxRuntime();
  const session = await InferenceSession.create(PRODUCT_GRAPH, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    extra: NON_SPINNING_THREADS,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  try {
    const matrix = (rows: number, columns: number) =>
      new Tensor('float32', new Float32Array(rows * columns).fill(0.5), [rows, columns]);
    const inputs = { a: matrix(ROWS, INNER), b: matrix(INNER, COLUMNS) };
    let fastestSec = Number.POSITIVE_INFINITY;
    for (let run = 0; run < RUNS; run++) {
      const before = process.cpuUsage();
      await session.run(inputs);
      const { user, system } = process.cpuUsage(before);
      fastestSec = Math.min(fastestSec, (user + system) / 1e6);
    }
    return GFLOP / fastestSec;
  } finally {
    await session.release();
  }
}
