import { BodyBudget } from '../api/body-budget.ts';
import { SignedLinks } from '../api/signed-links.ts';
import { buildApp } from '../app.ts';
import type { Config } from '../config.ts';
import { withLock } from '../database/open.ts';
import { describeBundle } from '../encode/bundles.ts';
import { serverSecret } from '../keys/secrets.ts';
import { openLogger } from '../observe/logger.ts';
import { asSetupError } from '../setup-error.ts';
import { bundleId } from '../tasks/embedding.ts';
import { httpCloser } from './close-http.ts';
import { tuneGarbageCollection } from './garbage-collection.ts';
import { listen } from './listen.ts';
import { prepareModels } from './models.ts';
import { packageVersion } from './package-version.ts';
import { openQueries } from './queries.ts';
import { openReadiness } from './readiness.ts';
import { ShutdownList } from './shutdown.ts';
import { printStartupBanner } from './startup-banner.ts';
import { openState, type State } from './state.ts';
import { openWork } from './work.ts';

/** Runs a server and the work on its tasks until a signal. Parts are opened in order of dependence and closed in reverse. */
export async function serve(given: Config): Promise<void> {
  tuneGarbageCollection();
  const log = openLogger(given.logLevel, given.secrets);
  // Before the signal handlers of `ShutdownList`: a long download can be interrupted at any time without harm.
  const { config, runsModels } = await prepareModels(given, log);
  const shutdown = new ShutdownList(log);

  try {
    const state = await openState(config, shutdown, log);
    const { db, keys, idempotency, tasks, assets, blobs, dedupedMedia, engine, quotas } = state;
    const bundle = describeBundle(config.bundle);
    const work = await openWork({ config, state, bundle, shutdown, log });
    const { urls, probe, startTask } = work;
    const queries = await openQueries({ config, state, work, bundle, shutdown, log });

    const app = await buildApp({
      apiKeys: config.apiKeys,
      keys,
      version: packageVersion(),
      publicUrl: config.publicUrl,
      modelNames: config.modelNames,
      bodies: new BodyBudget(config.maxBodyBytes),
      embedding: {
        tasks,
        blobs,
        dedupedMedia,
        urls,
        assets,
        probe,
        limits: config,
        quotas,
        bundle,
        start: startTask,
        log,
      },
      assets: work.assets.service,
      idempotency,
      queries,
      uploads: { multipart: work.assets.multipart, links: new SignedLinks(await serverSecret(db, 'links')) },
      queue: () => engine.count(),
      mediaSeconds: work.mediaSeconds,
      ready: await openReadiness({ config, tasks, blobs }),
      serving: { bundle: bundleId(bundle), ...(runsModels && { device: config.device }) },
      draining: shutdown.draining,
    });
    const closeHttp = httpCloser(app, shutdown);
    await listen(app, { host: config.host, port: config.port, portName: 'REELVEC_PORT' });
    shutdown.add('HTTP', closeHttp);
    // After `listen`: a failed start would create a key that is never shown.
    const newKey = config.apiKeys.length === 0 ? await firstKey(state) : undefined;
    shutdown.finishFirst(() => new Promise((resolve) => setTimeout(resolve, config.drainMs)));
    printStartupBanner({ address: app.server.address(), config, bundle, runsModels, newKey });
    if (runsModels) {
      // Large models take seconds to load: load them now, in the background, instead of during the first query.
      queries.warm({ workers: config.queryWorkers }).catch((err) => {
        if (!shutdown.draining.aborted) log.warn({ err }, 'query models not preloaded');
      });
    }
  } catch (error) {
    await shutdown.run();
    throw asSetupError(error, 'The server cannot start');
  }
  await shutdown.whenSignalled();
}

/** Creates the first API key if there is none. The lock ensures that only one of several starting nodes does. */
function firstKey({ db, keys }: State): Promise<string | undefined> {
  return withLock(db, 'firstKey', async () =>
    (await keys.list()).length === 0 ? (await keys.create('first start')).key : undefined,
  );
}
