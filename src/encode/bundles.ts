import { isBundlePath } from '../config.ts';
import type { BundleFile } from './bundle-file.ts';
import { BundleFault, readCustomBundle, readShippedBundle, shippedBundleNames } from './bundle-files.ts';
import { infoOf } from './bundle-info.ts';
import type { Bundle, BundleInfo } from './encoder.ts';
import type { EncodeSettings } from './settings.ts';
import { createSignalBundle, SIGNAL } from './signal/bundle.ts';

/** Names of the bundles that ship with reelvec. */
export function bundleNames(): string[] {
  return [SIGNAL.name, ...shippedBundleNames()];
}

/**
 * Describes a bundle by its name or the path of its file. Loads no models.
 * @throws {BundleFault} for an unknown name, with the list of known names, or an invalid file
 */
export function describeBundle(name: string): BundleInfo {
  return name === SIGNAL.name ? SIGNAL : infoOf(bundleFileOf(name));
}

/**
 * Opens a bundle for encoding, in a media worker. Models are loaded on first use.
 * @throws {BundleFault} for an unknown name, with the list of known names, or an invalid file
 */
export async function openBundle(name: string, settings?: EncodeSettings): Promise<Bundle> {
  if (name === SIGNAL.name) return createSignalBundle();
  const file = bundleFileOf(name);
  if (!settings) throw new Error(`openBundle: the bundle ${name} needs settings, such as the models folder.`);
  // Imported lazily: processes without models do not pay for their runtimes.
  const { createModelBundle } = await import('./model-bundle.ts');
  return createModelBundle(file, settings);
}

/**
 * Reads the file of a bundle, by its name or path. `signal` has no file.
 * @throws {BundleFault} for an unknown name or an invalid file
 */
export function bundleFileOf(name: string): BundleFile {
  if (isBundlePath(name)) return readCustomBundle(name);
  if (shippedBundleNames().includes(name)) return readShippedBundle(name);
  throw new BundleFault(
    `There is no bundle "${name}". Known bundles: ${bundleNames().join(', ')}; or give the path of a file, as ./mine.json.`,
  );
}
