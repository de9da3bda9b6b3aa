import { downloadBytes, formatBytes } from '../models/download-size.ts';
import { modelFiles } from '../models/store.ts';
import { bundleFileOf } from './bundles.ts';

/**
 * Bundle that the start banner and the warnings of a server on `signal` recommend: the one that any machine can run. `gemma`
 * finds more with one description, and takes nine times the processor time of `clip`.
 */
export const RECOMMENDED_BUNDLE = 'clip';

/** Download size of the recommended bundle, as `1.7 GB`. */
export function recommendedDownload(): string {
  size ??= formatBytes(downloadBytes(modelFiles(bundleFileOf(RECOMMENDED_BUNDLE).sources)));
  return size;
}
let size: string | undefined;
