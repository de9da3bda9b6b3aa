import { OPTIONS, type Option } from '../domain/option.ts';
import { bundleNames, describeBundle } from './bundles.ts';
import type { BundleInfo } from './encoder.ts';

/** True if all of these options that the bundle supports share one space, so that their vectors can be fused. */
export function shareSpace({ spaces }: Pick<BundleInfo, 'spaces'>, options: readonly Option[]): boolean {
  return new Set(options.map((option) => spaces[option]).filter((space) => space !== undefined)).size === 1;
}

/** Options of the bundle with vectors in `space`. */
export function optionsIn({ spaces }: Pick<BundleInfo, 'spaces'>, space: string): Option[] {
  return OPTIONS.filter((option) => spaces[option] === space);
}

/** Hint for a client error: names the shipped bundles that support the refused request. */
export function bundlesThat(can: (bundle: BundleInfo) => boolean): string {
  const names = bundleNames().filter((name) => can(describeBundle(name)));
  if (names.length === 0) return 'No bundle that comes with reelvec can; one of your own may.';
  const quoted = names.map((name) => `"${name}"`);
  return `${new Intl.ListFormat('en').format(quoted)} can: choose one with \`reelvec models use\` on the server.`;
}
