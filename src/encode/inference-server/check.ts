import type { InferenceSettings } from '../../config.ts';
import type { BundleFile } from '../bundle-file.ts';
import { InferenceClient } from './client.ts';
import { InferenceServerModel } from './model.ts';

/** How long a look may take before anything is served, in milliseconds. */
const MAX_RETRY_TIME_MS = 2000;

interface ServedModel {
  readonly model: string;
  readonly version?: string | undefined;
  readonly batch: number;
  /** Names of what the bundle can give the model. */
  readonly inputs: readonly string[];
  readonly output: string;
}

/** The models of a bundle that are on inference servers. */
export function servedModels({ visual, audio, transcription, textQueries }: BundleFile): ServedModel[] {
  return [visual, audio, transcription, ...textQueries].flatMap((part): ServedModel[] => {
    if (part?.kind !== 'inference-server') return [];
    const inputs = 'text' in part ? [part.text.ids, part.text.mask, part.text.types] : [part.input];
    return [{ ...part, inputs, output: part.output.name }];
  });
}

/**
 * Looks whether the servers have a bundle's models as it describes them.
 * @throws {ProtocolFault} when they have others
 * @throws {Error} when they cannot be asked, or do not have them, which may pass
 */
export async function checkServedModels(file: BundleFile, settings: InferenceSettings): Promise<void> {
  const client = new InferenceClient({ ...settings, patienceMs: Math.min(settings.patienceMs, MAX_RETRY_TIME_MS) });
  try {
    for (const { inputs, output, ...served } of servedModels(file)) {
      await new InferenceServerModel({ ...served, client, inFlight: 1 }).check(inputs, output);
    }
  } finally {
    await client.close();
  }
}
