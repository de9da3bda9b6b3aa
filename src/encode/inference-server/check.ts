import type { InferenceSettings } from '../../config.ts';
import type { BundleFile } from '../bundle-file.ts';
import { InferenceClient, MAX_CHECK_TIME_MS } from '../remote/client.ts';
import { InferenceServerModel } from './model.ts';
import { HEALTH_PATH } from './protocol.ts';

/** A model on an inference server, with the inputs and the output that the bundle expects. */
interface ServedModel {
  readonly model: string;
  readonly version?: string | undefined;
  readonly batch: number;
  /** Names of the inputs that the bundle provides. */
  readonly inputs: readonly string[];
  readonly output: string;
}

/** Lists the bundle's models that run on inference servers. */
export function servedModels({ visual, audio, transcription, textQueries }: BundleFile): ServedModel[] {
  return [visual, audio, transcription, ...textQueries].flatMap((part): ServedModel[] => {
    if (part?.kind !== 'inference-server') return [];
    const inputs = 'text' in part ? [part.text.ids, part.text.mask, part.text.types] : [part.input];
    return [{ ...part, inputs, output: part.output.name }];
  });
}

/**
 * Checks that the inference servers have the bundle's models with matching inputs and outputs.
 * @throws {ProtocolFault} if a model does not match the bundle
 * @throws {Error} if the servers are unavailable or lack a model, which may be temporary
 */
export async function checkServedModels(file: BundleFile, settings: InferenceSettings): Promise<void> {
  const patienceMs = Math.min(settings.patienceMs, MAX_CHECK_TIME_MS);
  const client = new InferenceClient({ ...settings, patienceMs, healthPath: HEALTH_PATH });
  try {
    for (const { inputs, output, ...served } of servedModels(file)) {
      await new InferenceServerModel({ ...served, client, inFlight: 1 }).check(inputs, output);
    }
  } finally {
    await client.close();
  }
}
