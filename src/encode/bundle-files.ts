import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../config.ts';
import { type BundleFile, bundleFile } from './bundle-file.ts';

/** The bundles that come with reelvec, a file each. */
const FOLDER = new URL('./bundles/', import.meta.url);

/** A bundle's name or file that cannot be used; `message` says why. */
export class BundleFault extends ConfigError {
  override name = 'BundleFault';
}

/** Names of the bundles that have a file here. */
export function shippedNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

/** Whether a bundle is given by the path of its file, and not by name. */
export function isBundlePath(name: string): boolean {
  return name.endsWith('.json') || name.includes('/') || name.includes('\\');
}

/** @throws {BundleFault} */
export function readShipped(name: string): BundleFile {
  return parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8'), name);
}

/**
 * Reads a bundle of one's own. Its revision carries a checksum of the file: whoever changes a model and forgets the
 * revision still does not mix vectors.
 * @throws {BundleFault}
 */
export function readOwn(path: string): BundleFile {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    throw new BundleFault(`The bundle file ${resolve(path)} cannot be read: ${(error as Error).message}`);
  }
  const file = parse(content, path);
  const checksum = createHash('sha256').update(JSON.stringify(file)).digest('hex').slice(0, 8);
  const sources = Object.entries(file.sources).map(([name, source]) => [
    name,
    'folder' in source ? { ...source, folder: resolve(dirname(path), source.folder) } : source,
  ]);
  return { ...file, revision: `${file.revision}-${checksum}`, sources: Object.fromEntries(sources) };
}

function parse(content: string, name: string): BundleFile {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    throw new BundleFault(`The bundle file ${name} is not JSON: ${(error as Error).message}`);
  }
  const parsed = bundleFile.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new BundleFault(`The bundle file ${name} does not fit the format.\n${z.prettifyError(parsed.error)}`);
}
