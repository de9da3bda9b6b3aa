import { isBundlePath } from '../config.ts';
import type { BundleFile } from './bundle-file.ts';
import { BundleFault, readCustomBundle, readShippedBundle, shippedBundleNames } from './bundle-files.ts';
import { infoOf } from './bundle-info.ts';
import type { Bundle, BundleInfo } from './encoder.ts';
import type { EncodeSettings } from './settings.ts';
import { createSignalBundle, SIGNAL } from './signal/bundle.ts';

/** Names of the bundles that come with reelvec. */
export function bundleNames(): string[] {
  return [SIGNAL.name, ...shippedBundleNames()];
}

/**
 * What is known of a bundle, by its name or the path of its file; loads nothing.
 * @throws {BundleFault} for a name that is not known, with the names that are, and for a file that does not fit
 */
export function describeBundle(name: string): BundleInfo {
  return name === SIGNAL.name ? SIGNAL : infoOf(bundleFileOf(name));
}

/**
 * Makes a bundle ready to encode: for media workers.
 * @throws {BundleFault} as `describeBundle`
 */
export async function openBundle(name: string, settings?: EncodeSettings): Promise<Bundle> {
  if (name === SIGNAL.name) return createSignalBundle();
  const file = bundleFileOf(name);
  if (!settings) throw new Error(`The bundle ${name} needs to be told where its models are.`);
  // What runs models is loaded only by who runs them.
  const { createModelBundle } = await import('./model-bundle.ts');
  return createModelBundle(file, settings);
}

/**
 * The file of a bundle; `signal` has none, for it has no models.
 * @throws {BundleFault}
 */
export function bundleFileOf(name: string): BundleFile {
  if (isBundlePath(name)) return readCustomBundle(name);
  if (shippedBundleNames().includes(name)) return readShippedBundle(name);
  throw new BundleFault(
    `There is no bundle "${name}". Known bundles: ${bundleNames().join(', ')}; or give the path of a file, as ./mine.json.`,
  );
}
