import type { Bundle, BundleInfo } from './encoder.ts';
import { createSignalBundle, SIGNAL } from './signal/bundle.ts';

interface KnownBundle {
  readonly info: BundleInfo;
  readonly open: () => Promise<Bundle>;
}

const BUNDLES: Readonly<Record<string, KnownBundle>> = {
  signal: { info: SIGNAL, open: async () => createSignalBundle() },
};

/** Names that `openBundle` knows. */
export function bundleNames(): string[] {
  return Object.keys(BUNDLES);
}

/**
 * What is known of the bundle of that name; loads nothing.
 * @throws {Error} for a name that is not known, with the names that are
 */
export function describeBundle(name: string): BundleInfo {
  return known(name).info;
}

/**
 * Makes the bundle of that name ready to encode: for media workers.
 * @throws {Error} for a name that is not known, with the names that are
 */
export async function openBundle(name: string): Promise<Bundle> {
  return known(name).open();
}

function known(name: string): KnownBundle {
  const bundle = Object.hasOwn(BUNDLES, name) ? BUNDLES[name] : undefined;
  if (!bundle) throw new Error(`There is no bundle "${name}". Known bundles: ${bundleNames().join(', ')}.`);
  return bundle;
}
