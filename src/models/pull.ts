import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open as openFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CannotResume, download, startOver } from '../http/download.ts';
import { HttpFailure } from '../http/failure.ts';
import { makeFolder } from '../make-folder.ts';
import { type Hub, type HubFile, HubRefusal, HubTransientError } from './hub.ts';
import { lockModels } from './lock.ts';
import type { HubSource } from './source.ts';
import { ModelFault, type ModelStore, type SourceFile } from './store.ts';

/** Options of `pull`. */
export interface PullOptions {
  readonly store: ModelStore;
  readonly hub: Hub;
  readonly signal?: AbortSignal;
  /** Called with the bytes downloaded so far and the size of the file, if known. */
  readonly onProgress?: (file: SourceFile, done: number, size: number | undefined) => void;
  /** Called once if another process holds the folder's lock. */
  readonly onWait?: () => void;
  /** Delay before the first retry, in milliseconds; doubled for each further one. Default: 1000. */
  readonly firstRetryDelayMs?: number;
}

/** Result of `pull`. */
export interface Pulled {
  /** Files that were downloaded. */
  readonly fetched: readonly SourceFile[];
  /** Files that were valid already. */
  readonly present: readonly SourceFile[];
}

/** Attempts in a row without a new byte after which the download of a file fails. */
const MAX_FRUITLESS_ATTEMPTS = 6;
/** Default delay before the first retry, in milliseconds. */
const FIRST_RETRY_DELAY_MS = 1000;

/**
 * Downloads missing and damaged model files. Interrupted downloads resume from `PATH.part`; a file gets its final name
 * only after its checksum was verified. An operating-system lock lets one process at a time write to a folder.
 * @throws {HubRefusal} if the hub refuses a file, or its file differs from the bundle
 * @throws {HubTransientError} if retries are exhausted
 * @throws {ModelFault} if a downloaded file has the wrong checksum, or a file of a local source is missing or damaged
 */
export async function pull(files: readonly SourceFile[], options: PullOptions): Promise<Pulled> {
  const { store, signal } = options;
  using _lock = await lockModels(store.root, options);
  const fetched: SourceFile[] = [];
  const present: SourceFile[] = [];
  for (const file of files) {
    if ((await store.check(file, { signal })) === 'good') {
      present.push(file);
      continue;
    }
    if ('folder' in file.source)
      throw new ModelFault(`The model file ${store.pathOf(file)} is missing or does not match the bundle.`);
    await fetchFile({ ...file, source: file.source }, options);
    fetched.push(file);
  }
  return { fetched, present };
}

async function fetchFile(file: SourceFile & { source: HubSource }, options: PullOptions): Promise<void> {
  const { store, signal, firstRetryDelayMs = FIRST_RETRY_DELAY_MS } = options;
  const path = store.pathOf(file);
  const part = `${path}.part`;
  await makeFolder(dirname(path));
  try {
    await startOver(() => fetchPart(file, part, options), { retryDelayMs: firstRetryDelayMs, signal });
  } catch (error) {
    if (!(error instanceof HttpFailure) || error instanceof HubTransientError) throw error;
    const what = `${file.path} of ${file.source.repo}`;
    throw new HubTransientError(`${what} could not be downloaded: ${error.message}.`, { cause: error });
  }
  await rename(part, path);
  await store.recordChecksum(path, await stat(path), (await store.expectedSha256(file))!);
}

/** Completes the partial file `part` and verifies its checksum; deletes it if that is wrong, or if it cannot resume. */
async function fetchPart(file: SourceFile & { source: HubSource }, part: string, options: PullOptions): Promise<void> {
  const { store } = options;
  const { source, path } = file;
  const expected = await store.expectedSha256(file);
  const checksum = await append(file, part, { ...options, expected }).catch(async (error) => {
    if (error instanceof CannotResume) await rm(part, { force: true });
    throw error;
  });
  const found = await digests(part, await sizeOf(part));
  const wanted = expected ?? checksum?.hex;
  const isRight =
    wanted === undefined ||
    (expected === undefined && checksum?.kind === 'git-sha1' ? found.git : found.sha256) === wanted;
  if (!isRight) {
    await rm(part, { force: true });
    throw new ModelFault(
      `${path} of ${source.repo} has the wrong checksum: expected ${wanted}, got SHA-256 ${found.sha256}. The download was deleted.`,
    );
  }
  if (expected === undefined) await store.pin(file, found.sha256);
}

/** Appends the rest of a file to `part` and flushes it to disk. @returns the hub's checksum */
async function append(
  file: SourceFile & { source: HubSource },
  part: string,
  options: PullOptions & { expected: string | undefined },
): Promise<HubFile['checksum']> {
  const { hub, expected, onProgress, signal, firstRetryDelayMs = FIRST_RETRY_DELAY_MS } = options;
  let checksum: HubFile['checksum'];
  const open = async (from: number) => {
    const remote = await hub.open(file.source, file.path, { from, signal });
    refuseMismatch(file, remote, expected);
    checksum = remote.checksum;
    return remote;
  };
  const content = download(open, {
    from: await sizeOf(part),
    onProgress: (done, size) => onProgress?.(file, done, size),
    maxFailures: MAX_FRUITLESS_ATTEMPTS,
    retryDelayMs: firstRetryDelayMs,
    signal,
  });
  await using target = await openFile(part, 'a');
  for await (const bytes of content) await target.writeFile(bytes);
  await target.sync();
  return checksum;
}

/** Compares the hub's size and checksum with the bundle's, before gigabytes are downloaded in vain. */
function refuseMismatch(
  { source, path }: SourceFile & { source: HubSource },
  remote: HubFile,
  expected?: string,
): void {
  const { checksum, end: size } = remote;
  const wantedSize = source.files[path]?.size;
  const isOther = checksum?.kind === 'sha256' && expected !== undefined && checksum.hex !== expected;
  if (!isOther && (wantedSize === undefined || size === undefined || wantedSize === size)) return;
  remote[Symbol.dispose]();
  throw new HubRefusal(`${path} of ${source.repo} differs on the hub from the bundle. It was not downloaded.`);
}

/** SHA-256 of a file and its git blob SHA-1. */
async function digests(path: string, size: number): Promise<{ sha256: string; git: string }> {
  const hashes: [Hash, Hash] = [createHash('sha256'), createHash('sha1').update(`blob ${size}\0`)];
  await pipeline(createReadStream(path, { highWaterMark: 1024 ** 2 }), async (chunks) => {
    for await (const chunk of chunks) for (const hash of hashes) hash.update(chunk);
  });
  return { sha256: hashes[0].digest('hex'), git: hashes[1].digest('hex') };
}

/** Size of a file in bytes; 0 if it does not exist. */
async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}
