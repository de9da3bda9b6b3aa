import type { AddressInfo } from 'node:net';
import type { Config } from '../config.ts';
import type { BundleInfo } from '../encode/encoder.ts';
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
    `  workers  ${config.workers}`,
    ...(config.inference.urls.length > 0 ? [`  models   on ${config.inference.urls.join(', ')}`] : []),
    ...(runsModels ? [`  device   ${config.device}, ${threads} threads a worker, models in ${config.modelsDir}`] : []),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
