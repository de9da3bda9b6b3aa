import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { sha256Of } from './checksum.ts';
import type { ModelSource } from './source.ts';

/** A file of a model that cannot be used: `message` says which, why, and what to do. */
export class ModelFault extends Error {
  override name = 'ModelFault';
}

/** What a file's content was when somebody last read all of it. */
interface ChecksumRecord {
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** When the file system last touched content or name: a copy that keeps the other time cannot keep this one. */
  readonly changed: number;
  readonly sha256: string;
}

export type FileState = 'good' | 'missing' | 'damaged' | 'unpinned';

/** One file of one source. */
export interface SourceFile {
  readonly source: ModelSource;
  /** Within the source. */
  readonly path: string;
}

/**
 * The folder in which models lie: `OWNER/NAME/REVISION/PATH`, the layout that `hf download --local-dir` makes too.
 * Beside them, in `.checked`, is noted which content was read in full and found good, so that a start does not read
 * gigabytes again; a file whose size or times have changed since is read anew.
 */
export class ModelStore {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** Absolute, whether the file is there or not. */
  pathOf({ source, path }: SourceFile): string {
    if ('folder' in source) return resolve(source.folder, path);
    return join(this.root, source.repo, source.revision, path);
  }

  /**
   * The path of a file whose content is what the bundle says.
   * @throws {ModelFault} when it is missing, was changed, or nobody says what it should be
   */
  async verifiedPath(file: SourceFile): Promise<string> {
    const path = this.pathOf(file);
    const state = await this.check(file);
    if (state === 'good') return path;
    throw new ModelFault(
      {
        missing: `The model file ${path} is not there. \`reelvec models pull\` gets it.`,
        damaged: `The model file ${path} is not what the bundle names: it was changed or broken, and is not loaded. \`reelvec models pull\` gets it anew.`,
        unpinned: `Nothing says what the model file ${path} should hold. \`reelvec models verify\` notes what it holds now.`,
      }[state],
    );
  }

  /** @param options.rehash reads the content even where it was found good before */
  async check(file: SourceFile, options: { rehash?: boolean; signal?: AbortSignal } = {}): Promise<FileState> {
    const path = this.pathOf(file);
    const expected = await this.expectedSha256(file);
    const entry = file.source.files[file.path];
    const stats = await stat(path).catch(() => undefined);
    if (!stats?.isFile()) return 'missing';
    if (entry?.size !== undefined && entry.size !== stats.size) return 'damaged';
    // What the person running the server wrote themselves needs nobody's word.
    if (expected === undefined) return 'folder' in file.source ? 'good' : 'unpinned';
    const known = options.rehash ? undefined : await this.#recordedSha256(path, stats);
    const sha256 = known ?? (await sha256Of(path, options));
    if (known === undefined) await this.recordChecksum(path, stats, sha256);
    return sha256 === expected ? 'good' : 'damaged';
  }

  /** SHA-256 that a file must have: the bundle's, or what was noted at its first pull. */
  async expectedSha256({ source, path }: SourceFile): Promise<string | undefined> {
    const pinned = source.files[path]?.sha256;
    if (pinned !== undefined || 'folder' in source) return pinned;
    return (await readJson<{ sha256: string }>(this.#pinFile({ source, path })))?.sha256;
  }

  /** Keeps the checksum of a file for which the bundle has none. Once noted it holds for ever. */
  async pin(file: SourceFile, sha256: string): Promise<void> {
    await writeJson(this.#pinFile(file), { sha256, noted: new Date().toISOString() });
  }

  /** Notes what a file holds, as far as the folder can be written. */
  async recordChecksum(path: string, stats: Stats, sha256: string): Promise<void> {
    const known: ChecksumRecord = { ...fingerprintOf(stats), sha256 };
    await writeJson(this.#recordFile(path), known).catch(() => {});
  }

  /** Removes a file and all that is known of it. @returns whether it was there */
  async remove(file: SourceFile): Promise<boolean> {
    const path = this.pathOf(file);
    const there = (await stat(path).catch(() => undefined)) !== undefined;
    for (const each of [path, this.#recordFile(path), this.#pinFile(file)]) await rm(each, { force: true });
    return there;
  }

  /** The checksum that was noted of a file, if it has not been touched since. */
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
    return undefined; // not there, or half-written by a process that died: as good as not there
  }
}

async function writeJson(path: string, value: object): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, JSON.stringify(value));
  await rename(temporary, path);
}
