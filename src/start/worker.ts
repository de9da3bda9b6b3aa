import { setPriority } from 'node:os';
import { buildWorkerApp } from '../api/worker-app.ts';
import type { Config } from '../config.ts';
import type { Option } from '../domain/option.ts';
import { describeBundle } from '../encode/bundles.ts';
import { openLogger } from '../observe/logger.ts';
import { asSetupError } from '../setup-error.ts';
import { bundleId } from '../tasks/embedding.ts';
import { tuneGarbageCollection } from './garbage-collection.ts';
import { listen } from './listen.ts';
import { prepareModels } from './models.ts';
import { openReadiness } from './readiness.ts';
import { ShutdownList } from './shutdown.ts';
import { openState } from './state.ts';
import { openWork } from './work.ts';

/** Runs a worker, which processes tasks of the servers that share its database, until a signal. */
export async function work(given: Config, only?: readonly Option[]): Promise<void> {
  tuneGarbageCollection();
  const log = openLogger(given.logLevel, given.secrets);
  try {
    // Servers and the database on the same machine go first: clients wait for their responses.
    setPriority(given.workerNice);
  } catch {
    // Containers may forbid it.
  }
  // Before signals are handled: a pull may take long, and a signal may end it without harm.
  const { config, runsModels } = await prepareModels(given, log);
  const shutdown = new ShutdownList(log);
  try {
    const state = await openState(config, shutdown, log);
    const bundle = describeBundle(config.bundle);
    const { mediaSeconds } = await openWork({ config, state, bundle, only, shutdown, log });
    let healthChecks = '';
    if (config.workerPort !== undefined) {
      const app = await buildWorkerApp({
        apiKeys: config.apiKeys,
        keys: state.keys,
        queue: () => state.engine.count(),
        mediaSeconds,
        ready: await openReadiness({ config, ...state }),
        serving: { bundle: bundleId(bundle), ...(runsModels && { device: config.device }) },
        draining: shutdown.draining,
        log,
      });
      const url = await listen(app, {
        host: config.host,
        port: config.workerPort,
        portName: 'REELVEC_WORKER_PORT',
      });
      shutdown.add('HTTP', () => app.close());
      healthChecks = `, answers probes at ${url}`;
    }
    const chunks = only ? `chunks of ${only.join(', ')} alone` : 'chunks';
    process.stdout.write(
      `reelvec works on ${chunks}, ${config.workers} at a time, bundle ${bundle.name}${runsModels ? ` on ${config.device}` : ''}${healthChecks}\n`,
    );
  } catch (error) {
    await shutdown.run();
    throw asSetupError(error, 'The worker cannot start');
  }
  await shutdown.whenSignalled();
}
