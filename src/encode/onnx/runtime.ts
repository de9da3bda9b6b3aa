export type OnnxRuntime = typeof import('onnxruntime-node');

/**
 * Loads what runs ONNX models.
 * @throws {Error} that says how to install it: npm leaves it out where its install script fails, which wants the network
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
