import { setTimeout as sleep } from 'node:timers/promises';
import { TwelveLabs, type TwelvelabsApi } from 'twelvelabs-js';
import { KEY } from './server.ts';

/** Official SDK, configured for a server by the environment, as its documentation describes. */
export function sdk(url: string, apiKey = KEY): TwelveLabs {
  process.env['TWELVELABS_BASE_URL'] = url;
  try {
    return new TwelveLabs({ apiKey });
  } finally {
    delete process.env['TWELVELABS_BASE_URL'];
  }
}

/** Polls a task as in the official examples, at a shorter interval. */
export async function untilDone(client: TwelveLabs, taskId: string): Promise<TwelvelabsApi.EmbeddingTaskResponse> {
  for (;;) {
    const task = await client.embed.v2.tasks.retrieve(taskId);
    if (task.status !== 'processing') return task;
    await sleep(100);
  }
}

export async function untilAssetDone(client: TwelveLabs, assetId: string) {
  for (;;) {
    const asset = await client.assets.retrieve(assetId);
    if (asset.status !== 'processing') return asset;
    await sleep(100);
  }
}
