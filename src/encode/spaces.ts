import { bundleNames, describeBundle } from './bundles.ts';
import type { BundleInfo } from './encoder.ts';

type Option = keyof BundleInfo['spaces'];

/** Whether a bundle's vectors of these options, as far as it has them, lie in one space, so that they have a mean. */
export function shareSpace({ spaces }: Pick<BundleInfo, 'spaces'>, options: readonly Option[]): boolean {
  return new Set(options.map((option) => spaces[option]).filter((space) => space !== undefined)).size === 1;
}

/** The bundle's options whose vectors lie in a space. */
export function optionsIn({ spaces }: Pick<BundleInfo, 'spaces'>, space: string): Option[] {
  return (['visual', 'audio', 'transcription'] as const).filter((option) => spaces[option] === space);
}

/** The end of a sentence that refuses something: which known bundles could do it. */
export function bundlesThat(can: (bundle: BundleInfo) => boolean): string {
  const names = bundleNames().filter((name) => can(describeBundle(name)));
  if (names.length === 0) return 'No bundle that comes with reelvec can; one of your own may.';
  return `${names.map((name) => `"${name}"`).join(' and ')} can: the server is started with it by REELVEC_BUNDLE.`;
}
