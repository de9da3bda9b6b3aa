import { type Config, isBundlePath } from '../config.ts';
import { BundleFault, pinBundle } from '../encode/bundle-files.ts';
import { bundleFileOf, bundleNames, describeBundle } from '../encode/bundles.ts';
import { sha256Of } from '../models/checksum.ts';
import { downloadBytes, formatBytes } from '../models/download-size.ts';
import { Hub, HubRefusal, HubTransientError } from '../models/hub.ts';
import { lockModels } from '../models/lock.ts';
import { pull } from '../models/pull.ts';
import { type FileState, ModelFault, ModelStore, modelFiles, type SourceFile } from '../models/store.ts';
import { CommandError, readArguments, UsageError } from './arguments.ts';
import { callerPath } from './paths.ts';
import { ProgressLine } from './progress-line.ts';

export const help = `Chooses the bundle; downloads, verifies and removes the models of bundles.

Usage: reelvec models list
       reelvec models use BUNDLE
       reelvec models pull [BUNDLE]...
       reelvec models verify [BUNDLE]...
       reelvec models remove BUNDLE...
       reelvec models pin FILE

BUNDLE is a name from \`list\` or the path of a bundle file; default: the configured bundle.

  list      lists the bundles and the state of their files
  use       downloads what is missing, and makes BUNDLE the bundle of the data folder from the next start on
  pull      downloads missing and damaged files; resumes an interrupted download
  verify    verifies the checksum of every file; records the checksum of a file that has none
  remove    removes the files of a bundle, except those that another complete bundle needs
  pin       prints a bundle file with its branches and tags replaced by their current commit, sizes and checksums

Options:
  --data-dir PATH     data folder (REELVEC_DATA_DIR), which keeps the choice of \`use\`
  --models-dir PATH   folder for models (REELVEC_MODELS_DIR); default: models in the data folder
  --bundle BUNDLE     configured bundle (REELVEC_BUNDLE); wins over the choice of \`use\`

The hub settings are those of the Hugging Face tools: HF_ENDPOINT, HF_TOKEN or \`hf auth login\`, HF_HUB_OFFLINE,
HTTPS_PROXY. For a machine without a network, copy the models folder from another machine.

Examples:
  reelvec models use clip
  reelvec models pull clip
  HF_ENDPOINT=https://hub.lan reelvec models pull ./my-bundle.json
  reelvec models verify
  reelvec models pin docs/bundles/clipclap.json > clipclap.json
`;

export async function run(args: string[]): Promise<void> {
  const { positionals, config } = readArguments(args, {});
  const [action, ...names] = positionals;
  const store = new ModelStore(config.modelsDir);
  try {
    if (action === 'list' && names.length === 0) await list(store, config);
    else if (action === 'use' && names.length === 1) await use(chosen(names, config)[0]!, store, config);
    else if (action === 'pull') await pullBundles(chosen(names, config), store, config);
    else if (action === 'verify') await verify(chosen(names, config), store);
    else if (action === 'remove' && names.length > 0) await remove(chosen(names, config), store);
    else if (action === 'pin' && names.length === 1) await pin(callerPath(names[0]!), config);
    else throw new UsageError('See reelvec models --help.');
  } catch (error) {
    const isExpected = [BundleFault, HubRefusal, HubTransientError, ModelFault].some((type) => error instanceof type);
    throw isExpected ? new CommandError((error as Error).message) : error;
  }
}

function chosen(names: readonly string[], { bundle }: Config): readonly string[] {
  if (names.length === 0) return [bundle];
  return names.map((name) => (isBundlePath(name) ? callerPath(name) : name));
}

/** Model files of a bundle. The `signal` bundle has none. */
function filesOfBundle(name: string): SourceFile[] {
  return describeBundle(name).name === 'signal' ? [] : modelFiles(bundleFileOf(name).sources);
}

async function use(bundle: string, store: ModelStore, config: Config): Promise<void> {
  // A failed download leaves the choice as it was.
  if (filesOfBundle(bundle).length > 0) await pullBundles([bundle], store, config);
  const { useBundle } = await import('./use-bundle.ts');
  const lines = await useBundle({ ...config, bundle }, config.isBundleSet ? config.bundle : undefined);
  console.log(lines.join('\n'));
}

async function list(store: ModelStore, config: Config): Promise<void> {
  const { formatHours, measureMachine, workHours } = await import('../encode/work-estimate.ts');
  const machine = await measureMachine().catch((error: Error) => error);
  for (const name of bundleNames()) {
    const { revision, licence, can, spaces } = describeBundle(name);
    const files = filesOfBundle(name);
    const states = await Promise.all(files.map((file) => store.check(file)));
    const bytes = downloadBytes(files);
    const here =
      files.length === 0 ? 'no models' : `${summary(states)}${bytes > 0 ? `, ${formatBytes(bytes)} in all` : ''}`;
    const inUse = name === config.bundle ? ', in use' : '';
    console.log(`${name}@${revision}  ${here}${inUse}\n  ${Object.keys(spaces).join(', ')}; ${licence}\n  ${can}`);
    const hours = machine instanceof Error ? undefined : workHours(name, machine);
    if (hours !== undefined)
      console.log(`  about ${formatHours(hours)} hours of work per hour of film on this machine`);
  }
  if (!bundleNames().includes(config.bundle)) console.log(`${config.bundle}  in use`);
  console.log(
    machine instanceof Error
      ? `\nNo estimate of the work: ${machine.message}`
      : `\nHours of work are an estimate for ${machine.cores} cores without a graphics card, from a measurement of now.`,
  );
  console.log(`Models folder: ${store.root}`);
}

function summary(states: readonly FileState[]): string {
  const good = states.filter((state) => state === 'good').length;
  const damaged = states.filter((state) => state === 'damaged').length;
  if (good === states.length) return 'complete';
  if (damaged > 0) return `${damaged} of ${states.length} files damaged`;
  return good === 0 ? 'not downloaded' : `${good} of ${states.length} files downloaded`;
}

async function pullBundles(names: readonly string[], store: ModelStore, { hub: settings }: Config): Promise<void> {
  await using hub = new Hub(settings, {
    onSlowResponse: (host) => process.stderr.write(`${host} has not answered yet; still trying. Check the network.\n`),
  });
  const abort = new AbortController();
  const stop = () => abort.abort(new CommandError('Stopped. The next pull resumes from here.'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const progress = new ProgressLine();
  try {
    for (const name of names) {
      const { fetched, present } = await pull(filesOfBundle(name), {
        store,
        hub,
        signal: abort.signal,
        onWait: () => process.stderr.write('Waiting for another pull in the same folder.\n'),
        onProgress: (file, done, size) => progress.bytes(file.path, done, size ?? downloadBytes([file])),
      });
      progress.clear();
      console.log(
        `${name}: ${files(fetched.length)} downloaded, ${files(present.length)} already present. ${store.root}`,
      );
    }
  } finally {
    progress.clear();
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

async function verify(names: readonly string[], store: ModelStore): Promise<void> {
  using _lock = await lockModels(store.root);
  let faults = 0;
  for (const name of names) {
    for (const file of filesOfBundle(name)) {
      const path = store.pathOf(file);
      let state: FileState | 'noted' = await store.check(file, { rehash: true });
      if (state === 'unpinned') {
        await store.pin(file, await sha256Of(path));
        state = 'noted';
      }
      if (state === 'missing' || state === 'damaged') faults++;
      console.log(`${state.padEnd(8)} ${path}`);
    }
  }
  if (faults > 0)
    throw new CommandError(`Missing or damaged: ${files(faults)}. \`reelvec models pull\` downloads them.`);
}

async function remove(names: readonly string[], store: ModelStore): Promise<void> {
  using _lock = await lockModels(store.root);
  const needed = new Set<string>();
  for (const other of bundleNames().filter((name) => !names.includes(name))) {
    const files = filesOfBundle(other);
    const states = await Promise.all(files.map((file) => store.check(file)));
    if (states.every((state) => state === 'good')) for (const file of files) needed.add(store.pathOf(file));
  }
  for (const name of names) {
    let removed = 0;
    for (const file of filesOfBundle(name)) {
      // Files in a folder of the user were not downloaded by a pull.
      if ('folder' in file.source || needed.has(store.pathOf(file))) continue;
      if (await store.remove(file)) removed++;
    }
    console.log(`${name}: ${files(removed)} removed.`);
  }
}

async function pin(path: string, { hub: settings }: Config): Promise<void> {
  await using hub = new Hub(settings);
  process.stdout.write(await pinBundle(path, (repo, revision) => hub.list(repo, revision)));
}

function files(count: number): string {
  return count === 1 ? '1 file' : `${count} files`;
}
