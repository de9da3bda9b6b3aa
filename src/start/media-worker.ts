import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { flushCodeCache } from '../code-cache.ts';
import type { Bundle } from '../encode/encoder.ts';
import type { EncodeSettings } from '../encode/settings.ts';
import { isReelvecError } from '../errors.ts';
import { probe } from '../media/probe.ts';
import { sizeOf } from '../media/size.ts';
import { embedChunk } from '../pipeline/embed-chunk.ts';
import { embedQuery, visualOf } from '../pipeline/embed-query.ts';
import { listShots } from '../pipeline/list-shots.ts';
import { thumbnailOf } from '../pipeline/thumbnail.ts';
import type { Job, OnProgress, Reply, Request, Results } from '../workers/protocol.ts';

/** Entry of the child processes that decode and embed. Argument: the bundle, if any; the first message: its settings. */

// A thread of its own, because native code may hold this one for ever: an orphan must not live on.
new Worker(
  `const parent = Number(process.env.REELVEC_PARENT_PID);
   const look = () => process.ppid === parent || process.kill(process.pid, 'SIGKILL');
   look();
   setInterval(look, 500);`,
  { eval: true },
).unref();

const [settings] = (await once(process, 'message')) as [EncodeSettings];
const [, , name] = process.argv;
const opened = name === undefined ? undefined : await open(name, settings);

async function open(name: string, settings: EncodeSettings): Promise<Bundle> {
  // It needs nothing of what reads and checks the files of the others, which takes a third of the start.
  const { createSignalBundle, SIGNAL } = await import('../encode/signal/bundle.ts');
  if (name === SIGNAL.name) return createSignalBundle();
  const { openBundle } = await import('../encode/bundles.ts');
  return openBundle(name, settings);
}

function bundle(): Bundle {
  if (!opened) throw new Error('This media worker was started without a bundle.');
  return opened;
}

async function run(job: Job): Promise<Results[Job['kind']]> {
  const onProgress: OnProgress = (doneSec, segments) => send({ type: 'progress', doneSec, segments });
  switch (job.kind) {
    case 'probe':
      return { ...probe(job.path, onProgress), size: await sizeOf(job.path) };
    case 'shots':
      return listShots(job, onProgress);
    case 'embed':
      return embedChunk(job, bundle(), onProgress);
    case 'device': {
      const { chooseDevice } = await import('../encode/onnx/device.ts');
      return chooseDevice(job.device);
    }
    case 'picture': {
      // Only where pictures come: its decoders take memory and time to load.
      const { readStill } = await import('../media/picture/still.ts');
      return readStill(job.path, visualOf(bundle()).pictures);
    }
    case 'image': {
      const { inspectImage } = await import('../media/picture/inspect-image.ts');
      return inspectImage(job.path);
    }
    case 'thumbnail':
      return thumbnailOf(job, onProgress);
    case 'query':
      return embedQuery(job, bundle());
  }
}

function send(reply: Reply): void {
  process.send?.(reply);
}

process.on('message', async ({ job }: Request) => {
  try {
    const result = await run(job);
    flushCodeCache();
    send({ type: 'done', result });
  } catch (error) {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    const { code, details } = isReelvecError(error) ? error : {};
    send({ type: 'failed', name, message, stack, code, details });
  }
});
process.on('disconnect', () => process.exit());

send({ type: 'started' });
