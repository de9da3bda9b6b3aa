import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { makeFolder } from '../make-folder.ts';
import { sha256Of } from './checksum.ts';
import type { ModelSource } from './source.ts';

/** Unusable model file. `message` names the file, the reason and the remedy. */
export class ModelFault extends Error {
  override name = 'ModelFault';
}

/** Checksum of a file at its last full read, with the metadata that detects later changes. Stored as JSON. */
interface ChecksumRecord {
  /** Bytes. */
  readonly size: number;
  /** `mtime`, in milliseconds since 1970. */
  readonly modified: number;
  /** `ctime`, in milliseconds since 1970. Unlike `mtime`, a copy cannot preserve it. */
  readonly changed: number;
  readonly sha256: string;
}

/** State of a model file; `unpinned` means that its expected checksum is unknown. */
export type FileState = 'good' | 'missing' | 'damaged' | 'unpinned';

/** One file of one source. */
export interface SourceFile {
  readonly source: ModelSource;
  /** Path within the source. */
  readonly path: string;
}

/** Lists the files of all sources, in order. */
export function modelFiles(sources: Readonly<Record<string, ModelSource>>): SourceFile[] {
  return Object.values(sources).flatMap((source) => Object.keys(source.files).map((path) => ({ source, path })));
}

/**
 * Folder of model files at `OWNER/NAME/REVISION/PATH`, which suits `hf download --local-dir` too. `.checked` caches the
 * checksum of each file that was read in full, so that a start does not read gigabytes again. A file is read again when
 * its size, mtime or ctime has changed. `.pinned` holds checksums that the bundle leaves open.
 */
export class ModelStore {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** Absolute path of a file, which need not exist. */
  pathOf({ source, path }: SourceFile): string {
    if ('folder' in source) return resolve(source.folder, path);
    return join(this.root, source.repo, source.revision, path);
  }

  /**
   * Absolute path of a file with a verified checksum.
   * @throws {ModelFault} if the file is missing, differs from the bundle, or has no known checksum
   */
  async verifiedPath(file: SourceFile): Promise<string> {
    const path = this.pathOf(file);
    const state = await this.check(file);
    if (state === 'good') return path;
    throw new ModelFault(
      {
        missing: `The model file ${path} is missing. Download it with \`reelvec models pull\`.`,
        damaged: `The model file ${path} does not match the checksum or size in the bundle and is not loaded. Download it again with \`reelvec models pull\`.`,
        unpinned: `The model file ${path} has no known checksum. Record the current one with \`reelvec models verify\`.`,
      }[state],
    );
  }

  /**
   * Checks the size and the checksum of a file.
   * @param options.rehash reads the content even if a cached checksum exists
   */
  async check(file: SourceFile, options: { rehash?: boolean; signal?: AbortSignal } = {}): Promise<FileState> {
    const path = this.pathOf(file);
    const expected = await this.expectedSha256(file);
    const entry = file.source.files[file.path];
    const stats = await stat(path).catch(() => undefined);
    if (!stats?.isFile()) return 'missing';
    if (entry?.size !== undefined && entry.size !== stats.size) return 'damaged';
    // Local files without a checksum are the operator's own and are trusted.
    if (expected === undefined) return 'folder' in file.source ? 'good' : 'unpinned';
    const known = options.rehash ? undefined : await this.#recordedSha256(path, stats);
    const sha256 = known ?? (await sha256Of(path, options));
    if (known === undefined) await this.recordChecksum(path, stats, sha256);
    return sha256 === expected ? 'good' : 'damaged';
  }

  /** Expected SHA-256 of a file: from the bundle, or recorded at its first pull. Undefined if neither exists. */
  async expectedSha256({ source, path }: SourceFile): Promise<string | undefined> {
    const pinned = source.files[path]?.sha256;
    if (pinned !== undefined || 'folder' in source) return pinned;
    return (await readJson<{ sha256: string }>(this.#pinFile({ source, path })))?.sha256;
  }

  /** Records the expected checksum of a file for which the bundle has none. Later pulls require it. */
  async pin(file: SourceFile, sha256: string): Promise<void> {
    await writeJson(this.#pinFile(file), { sha256, noted: new Date().toISOString() });
  }

  /** Caches the checksum of a file. Failures are ignored, since the folder may be read-only. */
  async recordChecksum(path: string, stats: Stats, sha256: string): Promise<void> {
    const known: ChecksumRecord = { ...fingerprintOf(stats), sha256 };
    await writeJson(this.#recordFile(path), known).catch(() => {});
  }

  /** Removes a file and its recorded checksums. @returns true if the file existed */
  async remove(file: SourceFile): Promise<boolean> {
    const path = this.pathOf(file);
    const there = (await stat(path).catch(() => undefined)) !== undefined;
    for (const each of [path, this.#recordFile(path), this.#pinFile(file)]) await rm(each, { force: true });
    return there;
  }

  /** Cached checksum of a file, or undefined if the file has changed since. */
  async #recordedSha256(path: string, stats: Stats): Promise<string | undefined> {
    const known = await readJson<ChecksumRecord>(this.#recordFile(path));
    const { size, modified, changed } = fingerprintOf(stats);
    const isSame = known?.size === size && known.modified === modified && known.changed === changed;
    return isSame ? known.sha256 : undefined;
  }

  #recordFile(path: string): string {
    return join(this.root, '.checked', `${digest(path)}.json`);
  }

  #pinFile(file: SourceFile): string {
    return join(this.root, '.pinned', `${digest(this.pathOf(file))}.json`);
  }
}

function fingerprintOf({ size, mtimeMs, ctimeMs }: Stats): Omit<ChecksumRecord, 'sha256'> {
  return { size, modified: mtimeMs, changed: ctimeMs };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return undefined; // missing, or truncated by a crash
  }
}

/** Writes a JSON file atomically, by renaming. */
async function writeJson(path: string, value: object): Promise<void> {
  await makeFolder(dirname(path));
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, JSON.stringify(value));
  await rename(temporary, path);
}
