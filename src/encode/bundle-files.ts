import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../config.ts';
import type { HubListing } from '../models/hub.ts';
import { type BundleFile, bundleFile } from './bundle-file.ts';

/** Folder of the shipped bundles, one JSON file each. */
const FOLDER = new URL('./bundles/', import.meta.url);

/** Unknown bundle name or invalid bundle file. `message` names the reason. */
export class BundleFault extends ConfigError {
  override name = 'BundleFault';
}

/** Names of the shipped bundles, sorted. */
export function shippedBundleNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

/**
 * Reads a shipped bundle.
 * @throws {BundleFault} if the file is invalid
 */
export function readShippedBundle(name: string): BundleFile {
  return parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8'), name);
}

/**
 * Reads a custom bundle file. Its revision gets a checksum of the file as a suffix, so that vectors do not mix when a
 * model changes but the revision does not. Relative source folders are resolved against the file's folder.
 * @throws {BundleFault} if the file is unreadable or invalid
 */
export function readCustomBundle(path: string): BundleFile {
  const file = parse(read(path), path);
  const checksum = createHash('sha256').update(JSON.stringify(file)).digest('hex').slice(0, 8);
  const sources = Object.entries(file.sources).map(([name, source]) => [
    name,
    'folder' in source ? { ...source, folder: resolve(dirname(path), source.folder) } : source,
  ]);
  return { ...file, revision: `${file.revision}-${checksum}`, sources: Object.fromEntries(sources) };
}

/** Full SHA-1 of a git commit. */
const COMMIT = /^[0-9a-f]{40}$/;

/** Bundle file before pinning: the `revision` of a source may be a branch or a tag. */
const unpinned = z.looseObject({
  sources: z.record(
    z.string(),
    z.union([
      z.looseObject({
        repo: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
        revision: z.string().min(1),
        files: z.record(z.string(), z.unknown()),
      }),
      z.looseObject({ folder: z.string() }),
    ]),
  ),
});

/**
 * Pins the hub sources of a bundle file: replaces branches and tags by commits, and records the size and SHA-256 of
 * each file. Everything else stays unchanged.
 * @param list lists the files of a repository at a revision
 * @returns the content of the pinned bundle file, validated
 * @throws {BundleFault} if the file is invalid or the repository lacks one of its files
 */
export async function pinBundle(
  path: string,
  list: (repo: string, revision: string) => Promise<HubListing>,
): Promise<string> {
  const given = read(path);
  parseJson(unpinned, given, path);
  // The parsed value would have its fields in another order.
  const draft = JSON.parse(given) as z.infer<typeof unpinned>;
  for (const source of Object.values(draft.sources)) {
    if (!isFromHub(source) || COMMIT.test(source.revision)) continue;
    const { repo, revision } = source;
    const { commit, files } = await list(repo, revision);
    for (const name of Object.keys(source.files)) {
      const file = files.get(name);
      if (!file) throw new BundleFault(`${repo} has no ${name} at ${revision}.`);
      source.files[name] = file;
    }
    source.revision = commit;
  }
  const content = `${JSON.stringify(draft, null, 2)}\n`;
  parse(content, path);
  return content;
}

function isFromHub<T extends object>(source: T): source is Extract<T, { repo: string }> {
  return 'repo' in source;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new BundleFault(`The bundle file ${resolve(path)} cannot be read: ${(error as Error).message}`);
  }
}

function parse(content: string, name: string): BundleFile {
  return parseJson(bundleFile, content, name);
}

function parseJson<T>(schema: z.ZodType<T>, content: string, name: string): T {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    throw new BundleFault(`The bundle file ${name} is not JSON: ${(error as Error).message}`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new BundleFault(`The bundle file ${name} does not fit the format.\n${z.prettifyError(parsed.error)}`);
}
