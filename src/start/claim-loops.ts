import type { Config } from '../config.ts';
import { isShared } from '../database/open.ts';
import type { Option } from '../domain/option.ts';
import type { BundleInfo } from '../encode/encoder.ts';
import type { AnyWorkflow, WaitingFlow } from '../jobs/engine.ts';
import type { InFlightSteps } from '../jobs/in-flight-steps.ts';
import { bundleId } from '../tasks/embedding.ts';
import type { ShutdownList } from './shutdown.ts';
import type { State } from './state.ts';

/** Slots of runs that wait or download, beside those that embed. */
const IO_CONCURRENCY = 16;
/** Wait of a chunk for a worker with its bundle, in seconds: longer than any queue should be. */
const BUNDLE_WAIT_SEC = 24 * 3600;

export interface ClaimLoopsOptions {
  readonly config: Config;
  readonly state: Pick<State, 'db' | 'engine'>;
  readonly bundle: BundleInfo;
  /** Options of the chunks that this node accepts; default: all. */
  readonly only?: readonly Option[];
  /** Workflow that needs a media worker per run. */
  readonly embedChunk: AnyWorkflow;
  /** Workflows whose runs mostly wait or download. */
  readonly others: readonly AnyWorkflow[];
  readonly steps: InFlightSteps;
  readonly shutdown: ShutdownList;
}

/** Starts to claim and execute runs until shutdown, which waits for runs in flight and releases their leases. */
export function startClaimLoops(options: ClaimLoopsOptions): void {
  const { config, bundle, only, embedChunk, others, steps, shutdown } = options;
  const { db, engine } = options.state;
  engine.work({ workflows: others, concurrency: IO_CONCURRENCY });
  engine.work({
    workflows: [embedChunk],
    concurrency: config.workers,
    accepts: isShared(db) ? acceptance(bundle, only) : undefined,
    hasRoom: (running) => running === 0 || process.availableMemory() > config.workerMemoryBytes,
  });
  shutdown.add('runs', async () => {
    await engine.drain();
    await steps.settled();
    await engine.releaseLeases();
  });
  // A single node has no other to finish its runs, and its operator waits for the exit: runs resume after the restart.
  if (isShared(db)) shutdown.finishFirst((giveUp) => engine.finish(giveUp));
}

/**
 * Accepts chunks of this node's bundle and options. After a day without a matching node, a chunk of another bundle is
 * accepted too: the task then fails with the reason instead of waiting for ever.
 */
function acceptance(bundle: BundleInfo, only: readonly Option[] | undefined): (flow: WaitingFlow) => boolean {
  const own = bundleId(bundle);
  return ({ input: { bundle: asked, options }, ageSec }) =>
    (asked === undefined || asked === own || ageSec > BUNDLE_WAIT_SEC) &&
    (only === undefined || (options as Option[]).every((option) => only.includes(option)));
}
