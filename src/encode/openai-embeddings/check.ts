import type { InferenceSettings } from '../../config.ts';
import type { BundleFile } from '../bundle-file.ts';
import { InferenceClient, MAX_CHECK_TIME_MS } from '../remote/client.ts';
import { HEALTH_PATH } from './dialects.ts';
import { EmbeddingsModel } from './model.ts';
import type { ServerModelSpec } from './spec.ts';

/** The bundle's encoders on embeddings servers; one for each model and dialect. */
export function embeddingServerParts({ visual, audio, transcription, textQueries }: BundleFile): ServerModelSpec[] {
  const parts = [visual, audio, transcription, ...textQueries].flatMap((part) =>
    part?.kind === 'openai-embeddings' ? [part] : [],
  );
  return [...new Map(parts.map((part) => [`${part.dialect} ${part.model} ${part.dimension}`, part])).values()];
}

/**
 * Checks that the embeddings servers have the bundle's models, with vectors of the bundle's length.
 * @throws {ProtocolFault} if a model does not match the bundle
 * @throws {Error} if the servers are unavailable or refuse the request, which may be temporary
 */
export async function checkEmbeddingServers(file: BundleFile, settings: InferenceSettings): Promise<void> {
  const patienceMs = Math.min(settings.patienceMs, MAX_CHECK_TIME_MS);
  const client = new InferenceClient({ ...settings, patienceMs, healthPath: HEALTH_PATH });
  try {
    for (const spec of embeddingServerParts(file)) await new EmbeddingsModel({ spec, client, inFlight: 1 }).check();
  } finally {
    await client.close();
  }
}
