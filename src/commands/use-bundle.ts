import { resolve } from 'node:path';
import type { Config } from '../config.ts';
import { describeBundle } from '../encode/bundles.ts';
import { writeChosenBundle } from '../settings/chosen-bundle.ts';
import { isDataFolderInUse, keepFilesPrivate } from '../start/data-folder.ts';
import { prepareModels } from '../start/models.ts';
import { CommandError } from './faults.ts';

/**
 * Stores the choice of a bundle in the data folder, after the same checks of its models and device as at a start.
 * @param config settings with the bundle to choose
 * @param set bundle that a setting names, which wins over the choice
 * @returns sentences about the effect
 * @throws {ConfigError} if a start with the bundle would fail
 */
export async function useBundle(config: Config, set: string | undefined): Promise<string[]> {
  const { bundle, dataDir } = config;
  const { can, cannot } = describeBundle(bundle);
  await prepareModels({ ...config, modelsAutopull: false });
  keepFilesPrivate();
  try {
    writeChosenBundle(dataDir, bundle);
  } catch (error) {
    throw new CommandError(`The choice cannot be stored in ${dataDir}: ${(error as Error).message}.`);
  }
  return [
    `${bundle} is the bundle of ${resolve(dataDir)}. ${can} ${cannot}`,
    set !== undefined && set !== bundle
      ? `REELVEC_BUNDLE or --bundle is ${set}, which wins: remove it where the server is started.`
      : isDataFolderInUse(dataDir)
        ? 'The running server keeps its bundle until it is restarted: restart it now.'
        : 'The next start uses it.',
    'Vectors of different bundles do not compare: embed again what you want to search.',
  ];
}
