import { type Config, ConfigError } from '../config.ts';
import type { BundleFile } from '../encode/bundle-file.ts';
import { usesOnnx } from '../encode/bundle-info.ts';
import { bundleFileOf, describeBundle } from '../encode/bundles.ts';
import { checkServedModels, servedModels } from '../encode/inference-server/check.ts';
import { ProtocolFault } from '../encode/inference-server/protocol.ts';
import { SIGNAL } from '../encode/signal/bundle.ts';
import { Hub, HubRefusal, HubTransientError } from '../models/hub.ts';
import { modelFiles, pull } from '../models/pull.ts';
import { ModelFault, ModelStore, type SourceFile } from '../models/store.ts';
import type { Logger } from '../observe/logger.ts';
import { mediaWorkers } from './media-workers.ts';

/** How often a pull at start says how far it is, in milliseconds. */
const TELL_MS = 10_000;

/**
 * Makes sure, before anything is served, that the bundle's models are there and that what shall run them can.
 * @returns the settings with the device settled; `runsModels` says whether any model runs in this process's workers
 * @throws {ConfigError} that says what to run or to set
 */
export async function prepareModels(config: Config, log?: Logger): Promise<{ config: Config; runsModels: boolean }> {
  if (describeBundle(config.bundle).name === SIGNAL.name) return { config, runsModels: false };
  const file = bundleFileOf(config.bundle);
  const store = new ModelStore(config.modelsDir);
  const files = modelFiles(file.sources);
  if (config.modelsAutopull) await pullAtStart(files, { store, config, log });
  const states = await Promise.all(files.map(async (file) => ({ file, state: await store.check(file) })));
  const bad = states.filter(({ state }) => state !== 'good');
  if (bad.length > 0) throw new ConfigError(notReady(bad, store, config));
  await lookAtServers(file, config, log);
  if (!usesOnnx(file)) return { config, runsModels: false };
  return {
    config: { ...config, device: await settleDevice(config), requestedDevice: config.device },
    runsModels: true,
  };
}

/** A model that does not fit the bundle will not fit it tomorrow; a server that is not there may come yet. */
async function lookAtServers(file: BundleFile, { inference, bundle }: Config, log?: Logger): Promise<void> {
  if (servedModels(file).length === 0) return;
  if (inference.urls.length === 0) {
    throw new ConfigError(
      `The bundle "${bundle}" has models on inference servers. Set REELVEC_INFERENCE_URLS to where those are.`,
    );
  }
  try {
    await checkServedModels(file, inference);
  } catch (error) {
    if (error instanceof ProtocolFault) throw new ConfigError(`${error.message} Change the bundle "${bundle}".`);
    log?.warn({ reason: (error as Error).message }, 'the inference servers are not ready: work waits for them');
  }
}

function notReady(
  bad: readonly { file: SourceFile; state: string }[],
  store: ModelStore,
  { bundle, modelsDir }: Config,
): string {
  const shown = bad.slice(0, 3).map(({ file, state }) => `  ${state}: ${store.pathOf(file)}`);
  const more = bad.length > shown.length ? [`  and ${bad.length - shown.length} more`] : [];
  const command = bad.every(({ state }) => state === 'unpinned') ? 'verify' : 'pull';
  return [
    `The models of the bundle "${bundle}" are not all here:`,
    ...shown,
    ...more,
    `Run \`reelvec models ${command} ${bundle} --models-dir ${modelsDir}\`, or set REELVEC_MODELS_AUTOPULL=1 to get them at start.`,
  ].join('\n');
}

async function pullAtStart(
  files: readonly SourceFile[],
  { store, config, log }: { store: ModelStore; config: Config; log?: Logger },
): Promise<void> {
  await using hub = new Hub(config.hub);
  let told = 0;
  try {
    const { fetched } = await pull(files, {
      store,
      hub,
      onWait: () => log?.info({ folder: store.root }, 'another process pulls models: waiting for it'),
      onProgress: ({ path }, done, size) => {
        if (performance.now() - told < TELL_MS) return;
        told = performance.now();
        log?.info({ path, done, size }, 'pulling models');
      },
    });
    if (fetched.length > 0) log?.info({ files: fetched.length, folder: store.root }, 'models pulled');
  } catch (error) {
    const isExpected = [HubRefusal, HubTransientError, ModelFault].some((type) => error instanceof type);
    if (!isExpected) throw error;
    throw new ConfigError(
      `The models of the bundle "${config.bundle}" could not be pulled. ${(error as Error).message}`,
    );
  }
}

/** Asks a worker: this process itself never loads what runs models. */
async function settleDevice(config: Config): Promise<Config['device']> {
  await using workers = mediaWorkers(config, { size: 1, embeds: false });
  try {
    return await workers.run<'device'>({ kind: 'device', device: config.device });
  } catch (error) {
    throw new ConfigError(
      `REELVEC_DEVICE=${config.device} cannot be used here: ${(error as Error).message} ` +
        'See docs/models.md for what it needs, or set REELVEC_DEVICE to auto or cpu.',
    );
  }
}
