import type { Bundle } from './encoder.ts';
import { createSignalBundle } from './signal/bundle.ts';

const BUNDLES: Readonly<Record<string, () => Promise<Bundle>>> = {
  signal: async () => createSignalBundle(),
};

/** Names that `openBundle` knows. */
export function bundleNames(): string[] {
  return Object.keys(BUNDLES);
}

/**
 * Makes the bundle of that name ready to encode.
 * @throws {Error} for a name that is not known, with the names that are
 */
export async function openBundle(name: string): Promise<Bundle> {
  const open = Object.hasOwn(BUNDLES, name) ? BUNDLES[name] : undefined;
  if (!open) throw new Error(`There is no bundle "${name}". Known bundles: ${bundleNames().join(', ')}.`);
  return open();
}
