import { type Config, ConfigError } from '../config.ts';
import type { BundleFile } from '../encode/bundle-file.ts';
import { usesOnnx } from '../encode/bundle-info.ts';
import { bundleFileOf, describeBundle } from '../encode/bundles.ts';
import { checkServedModels, servedModels } from '../encode/inference-server/check.ts';
import { checkEmbeddingServers, embeddingServerParts } from '../encode/openai-embeddings/check.ts';
import { ProtocolFault } from '../encode/remote/protocol-fault.ts';
import { SIGNAL } from '../encode/signal/bundle.ts';
import { Hub, HubRefusal, HubTransientError } from '../models/hub.ts';
import { pull } from '../models/pull.ts';
import { ModelFault, ModelStore, modelFiles, type SourceFile } from '../models/store.ts';
import type { Logger } from '../observe/logger.ts';
import { mediaWorkers } from './media-workers.ts';

/** Minimum time between two log lines about the progress of a download. Milliseconds. */
const PROGRESS_LOG_INTERVAL_MS = 10_000;

/**
 * Checks at startup that the models of the bundle are complete and that the configured device and inference servers can run
 * them. Downloads missing models if configured.
 * @returns the settings with the device resolved; `runsModels` is true if this process's workers run models
 * @throws {ConfigError} with the command to run or the setting to change
 */
export async function prepareModels(config: Config, log?: Logger): Promise<{ config: Config; runsModels: boolean }> {
  if (describeBundle(config.bundle).name === SIGNAL.name) return { config, runsModels: false };
  const file = bundleFileOf(config.bundle);
  const store = new ModelStore(config.modelsDir);
  const files = modelFiles(file.sources);
  if (config.modelsAutopull) await pullAtStart(files, { store, config, log });
  const problem = await modelProblem(config);
  if (problem !== undefined) throw new ConfigError(problem);
  await checkInferenceServers(file, config, log);
  if (!usesOnnx(file)) return { config, runsModels: false };
  return {
    config: { ...config, device: await resolveDevice(config), requestedDevice: config.device },
    runsModels: true,
  };
}

/**
 * Describes what is wrong with the model files of the bundle, with the command to run. Undefined if they are complete.
 * @throws {BundleFault} if there is no such bundle
 */
export async function modelProblem(config: Config): Promise<string | undefined> {
  if (describeBundle(config.bundle).name === SIGNAL.name) return undefined;
  const store = new ModelStore(config.modelsDir);
  const files = modelFiles(bundleFileOf(config.bundle).sources);
  const states = await Promise.all(files.map(async (file) => ({ file, state: await store.check(file) })));
  const bad = states.filter(({ state }) => state !== 'good');
  return bad.length > 0 ? notReady(bad, store, config) : undefined;
}

/**
 * Compares the models of the inference servers with the bundle. A mismatch is an error; an unreachable server is a warning,
 * because it may still be starting.
 */
async function checkInferenceServers(file: BundleFile, { inference, bundle }: Config, log?: Logger): Promise<void> {
  const [models, parts] = [servedModels(file), embeddingServerParts(file)];
  if (models.length + parts.length === 0) return;
  if (inference.urls.length === 0) {
    throw new ConfigError(
      `The bundle "${bundle}" has models on inference servers. Set REELVEC_INFERENCE_URLS to where those are.`,
    );
  }
  try {
    if (models.length > 0) await checkServedModels(file, inference);
    if (parts.length > 0) await checkEmbeddingServers(file, inference);
  } catch (error) {
    if (error instanceof ProtocolFault) throw new ConfigError(`${error.message} Change the bundle "${bundle}".`);
    log?.warn({ reason: (error as Error).message }, 'inference servers not ready');
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
    `Models of the bundle "${bundle}" are not ready:`,
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
  let loggedAt = 0;
  try {
    const { fetched } = await pull(files, {
      store,
      hub,
      onWait: () => log?.info({ folder: store.root }, 'waiting for another process that pulls models'),
      onProgress: ({ path }, done, size) => {
        if (performance.now() - loggedAt < PROGRESS_LOG_INTERVAL_MS) return;
        loggedAt = performance.now();
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

/** Resolves the device in a worker, because this process never loads a model runtime. */
async function resolveDevice(config: Config): Promise<Config['device']> {
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
