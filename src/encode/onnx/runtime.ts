/** The module `onnxruntime-node`. */
export type OnnxRuntime = typeof import('onnxruntime-node');

/**
 * Loads onnxruntime.
 * @throws {Error} with instructions if it is not installed: npm omits the optional package if its install script, which
 *   downloads files, fails
 */
export async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(
      'The package onnxruntime-node, which runs models, is not installed. Install reelvec again with `npm install --ignore-scripts`.',
      { cause: error },
    );
  }
}
