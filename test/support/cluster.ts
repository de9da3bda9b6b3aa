import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import { hostFiles } from './file-host.ts';
import { loopMedia } from './loop-media.ts';
import { makeMedia } from './make-media.ts';
import { type RunningServer, startServer, startWorker, temporaryFolder } from './server.ts';
import { sharedState } from './shared-state.ts';
import { asking, call } from './tasks.ts';

/** Setting of a node with one media worker. */
export const ONE_WORKER = { REELVEC_WORKERS: '1' };

/** Opens PostgreSQL, an S3 store and media on a web server, for tests with several nodes. */
export async function openCluster() {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder()).path;
  const state = stack.use(await sharedState());
  const host = stack.use(await hostFiles(folder));
  const round = makeMedia(join(folder, 'round.mp4'), {
    video: 'testsrc=size=360x360:rate=2:duration=20',
    audio: 'sine=frequency=440:duration=20:sample_rate=8000',
  });
  makeMedia(join(folder, 'short.flac'), { audio: 'sine=frequency=880:duration=8', audioCodec: FF_ENCODER_FLAC });
  // 15 minutes: four chunks.
  loopMedia(join(folder, 'long.mp4'), { of: round, times: 45, everySec: 20 });
  const lively = makeMedia(join(folder, 'lively.mp4'), { video: 'testsrc=size=640x640:rate=25:duration=20' });
  // One chunk that takes seconds, on fast machines too.
  loopMedia(join(folder, 'slow.mp4'), { of: lively, times: 14, everySec: 20 });
  return {
    state,
    /** Folder of the media: `short.flac`, `round.mp4`, `slow.mp4` and `long.mp4`. */
    folder,
    /** Starts a server, which the stack owns. */
    node: async (nodes: AsyncDisposableStack, env: Record<string, string> = {}) =>
      nodes.use(await startServer({ dataDir: nodes.use(temporaryFolder()).path, env: { ...state.env, ...env } })),
    /** Starts a worker node, which the stack owns. */
    worker: async (nodes: AsyncDisposableStack, args: string[] = [], env: Record<string, string> = {}) =>
      nodes.use(
        await startWorker({
          dataDir: nodes.use(temporaryFolder()).path,
          args,
          env: { ...state.env, ...ONE_WORKER, ...env },
        }),
      ),
    /** Separate database and bucket prefix: two databases would treat each other's blobs as orphans. */
    emptyState: async () => {
      const REELVEC_DATABASE_URL = await state.postgres.database();
      return { REELVEC_DATABASE_URL, REELVEC_BLOBS: `${state.env['REELVEC_BLOBS']}-${randomUUID()}` };
    },
    /** Body of a task of four chunks. */
    long: (overrides: object = {}) => asking('video', { url: `${host.url}/long.mp4` }, overrides),
    /** Body of a task of one chunk that takes seconds. */
    slow: () => asking('video', { url: `${host.url}/slow.mp4` }),
    /** Body of a task of one chunk that takes a moment. */
    short: () => asking('audio', { url: `${host.url}/short.flac` }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Number of chunks of a task that a node has embedded, from its log. */
export function chunksDone(server: RunningServer, id: string): number {
  return server
    .output()
    .split('\n')
    .filter((line) => line.includes('"msg":"chunk embedded"') && line.includes(id)).length;
}

/** Waits until a task has made progress. */
export async function untilEmbedding(api: RunningServer, id: string): Promise<void> {
  const done = async () => (await call(api, 'GET', `/embed-v2/tasks/${id}`)).body.progress.fraction;
  while ((await done()) === 0) await sleep(50);
}
