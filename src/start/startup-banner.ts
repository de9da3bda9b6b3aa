import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import type { Config } from '../config.ts';
import type { BundleInfo } from '../encode/encoder.ts';
import { RECOMMENDED_BUNDLE, recommendedDownload } from '../encode/recommended.ts';
import { SIGNAL } from '../encode/signal/bundle.ts';
import { commandLine, isNpmScript } from './npm-script.ts';
import { encodeSettings } from './worker-pool.ts';

/** Prints the address, the configuration and the first API key. */
export function printStartupBanner(start: {
  address: AddressInfo | string | null;
  config: Config;
  bundle: BundleInfo;
  /** True if the workers run models. */
  runsModels: boolean;
  /** First API key; cannot be shown again. */
  newKey?: string;
}): void {
  const { address, config, bundle, runsModels, newKey } = start;
  const { threads } = encodeSettings(config);
  const port = typeof address === 'object' && address ? address.port : config.port;
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  const lines = [
    `reelvec serves http://${host}:${port}/v1.3 (documentation: http://${host}:${port}/docs)`,
    ...(newKey ? [`  API key  ${newKey}  (shown once; \`reelvec keys create\` makes more)`] : []),
    `  data     ${config.dataDir}`,
    `  bundle   ${bundle.name}: ${bundle.can}`,
    `           ${bundle.cannot}`,
    ...recommendation(config, bundle),
    `  workers  ${config.workers}`,
    ...(config.inference.urls.length > 0 ? [`  models   on ${config.inference.urls.join(', ')}`] : []),
    ...(runsModels ? [`  device   ${config.device}, ${threads} threads a worker, models in ${config.modelsDir}`] : []),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Command that replaces the built-in bundle by the recommended one. */
function recommendation({ dataDir, isBundleSet }: Config, { name }: BundleInfo): string[] {
  if (name !== SIGNAL.name) return [];
  // Scripts of npm always run in the same folder, so they find the default folder again.
  const isFound = isNpmScript() && dataDir === resolve('data');
  const folder = isFound ? '' : ` --data-dir ${/^[\w/.-]+$/.test(dataDir) ? dataDir : JSON.stringify(dataDir)}`;
  // A setting wins over the choice of `models use`.
  const [action, restart] = isBundleSet
    ? ['pull', `restart with REELVEC_BUNDLE=${RECOMMENDED_BUNDLE}`]
    : ['use', 'restart'];
  return [
    `           For search by words and transcription of speech (${recommendedDownload()} of models), run`,
    `             ${commandLine(`models ${action} ${RECOMMENDED_BUNDLE}${folder}`)}`,
    `           and ${restart}.`,
  ];
}
