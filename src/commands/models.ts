import { type Config, isBundlePath } from '../config.ts';
import { BundleFault, pinBundle } from '../encode/bundle-files.ts';
import { bundleFileOf, bundleNames, describeBundle } from '../encode/bundles.ts';
import { sha256Of } from '../models/checksum.ts';
import { Hub, HubRefusal, HubTransientError } from '../models/hub.ts';
import { lockModels } from '../models/lock.ts';
import { modelFiles, pull } from '../models/pull.ts';
import { type FileState, ModelFault, ModelStore, type SourceFile } from '../models/store.ts';
import { CommandError, readArguments, UsageError } from './arguments.ts';
import { callerPath } from './paths.ts';
import { ProgressLine } from './progress-line.ts';

export const help = `Gets, checks and removes the models of bundles.

Usage: reelvec models list
       reelvec models pull [BUNDLE]...
       reelvec models verify [BUNDLE]...
       reelvec models remove BUNDLE...
       reelvec models pin FILE

A BUNDLE is a name of the list or the path of a bundle file; without one, it is the one that is configured.

  list      which bundles there are, and what is here of each
  pull      gets what is missing or damaged; goes on where it was broken off
  verify    reads every file and compares it with its checksum; notes the checksum of a file that nobody has one for
  remove    removes a bundle's files, but for those that another bundle that is here needs
  pin       prints a bundle file whose repositories are named by branch or tag with the commit, sizes and checksums of now

Options:
  --models-dir PATH   folder of the models (REELVEC_MODELS_DIR); default: models in the data folder
  --bundle BUNDLE     what is configured (REELVEC_BUNDLE)

The hub is reached as Hugging Face's own tools do: HF_ENDPOINT, HF_TOKEN or \`hf auth login\`, HF_HUB_OFFLINE, HTTPS_PROXY.
Without a network, copy the folder of a machine that has one.

Examples:
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
    if (action === 'list' && names.length === 0) await list(store);
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

/** Files of a bundle's models; `signal` has none. */
function filesOfBundle(name: string): SourceFile[] {
  return describeBundle(name).name === 'signal' ? [] : modelFiles(bundleFileOf(name).sources);
}

async function list(store: ModelStore): Promise<void> {
  for (const name of bundleNames()) {
    const { revision, licence, can, spaces } = describeBundle(name);
    const files = filesOfBundle(name);
    const states = await Promise.all(files.map((file) => store.check(file)));
    const bytes = files.reduce((sum, file) => sum + sizeOf(file), 0);
    const here =
      files.length === 0 ? 'nothing to get' : `${summary(states)}${bytes > 0 ? `, ${megabytes(bytes)} in all` : ''}`;
    console.log(`${name}@${revision}  ${here}\n  ${Object.keys(spaces).join(', ')}; ${licence}\n  ${can}`);
  }
  console.log(`\nModels lie in ${store.root}.`);
}

function summary(states: readonly FileState[]): string {
  const good = states.filter((state) => state === 'good').length;
  const damaged = states.filter((state) => state === 'damaged').length;
  if (good === states.length) return 'here';
  if (damaged > 0) return `${damaged} of ${states.length} files damaged`;
  return good === 0 ? 'not here' : `${good} of ${states.length} files here`;
}

async function pullBundles(names: readonly string[], store: ModelStore, { hub: settings }: Config): Promise<void> {
  await using hub = new Hub(settings, {
    onSlowResponse: (host) => process.stderr.write(`${host} has not answered yet: is there a network? Still trying.\n`),
  });
  const abort = new AbortController();
  const stop = () => abort.abort(new CommandError('Stopped. The next pull goes on from here.'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const progress = new ProgressLine();
  try {
    for (const name of names) {
      const { fetched, present } = await pull(filesOfBundle(name), {
        store,
        hub,
        signal: abort.signal,
        onWait: () => process.stderr.write('Another pull is at work in the folder: waiting for it.\n'),
        onProgress: (file, done, size) => progress.bytes(file.path, done, size ?? sizeOf(file)),
      });
      progress.clear();
      console.log(`${name}: ${files(fetched.length)} fetched, ${files(present.length)} here before. ${store.root}`);
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
  if (faults > 0) throw new CommandError(`Missing or damaged: ${files(faults)}. \`reelvec models pull\` gets them.`);
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
      // What lies elsewhere was not put there by a pull.
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

function sizeOf({ source, path }: SourceFile): number {
  return source.files[path]?.size ?? source.files[path]?.about ?? 0;
}

function megabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / 1e6))} MB`;
}

function files(count: number): string {
  return count === 1 ? '1 file' : `${count} files`;
}
