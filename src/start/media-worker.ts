import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { flushCodeCache } from '../code-cache.ts';
import type { Bundle } from '../encode/encoder.ts';
import type { EncodeSettings } from '../encode/settings.ts';
import { isReelvecError } from '../errors.ts';
import { probe } from '../media/probe.ts';
import { sizeOf } from '../media/size.ts';
import { decodeClip } from '../pipeline/decode-clip.ts';
import { embedChunk } from '../pipeline/embed-chunk.ts';
import { embedQuery, queryPictureFormat } from '../pipeline/embed-query.ts';
import { listShots } from '../pipeline/list-shots.ts';
import { thumbnailOf } from '../pipeline/thumbnail.ts';
import type { Job, OnProgress, Reply, Request, Results } from '../workers/protocol.ts';

/** Entry point of media workers. Argument: the name of the bundle, if any. First message: {@link EncodeSettings}. */

// Watchdog that kills an orphaned worker. It has a thread of its own, because native code may block this one for ever.
new Worker(
  `const parent = Number(process.env.REELVEC_PARENT_PID);
   const killOrphan = () => process.ppid === parent || process.kill(process.pid, 'SIGKILL');
   killOrphan();
   setInterval(killOrphan, 500);`,
  { eval: true },
).unref();

const [settings] = (await once(process, 'message')) as [EncodeSettings];
const [, , name] = process.argv;
const opened = name === undefined ? undefined : await open(name, settings);

async function open(name: string, settings: EncodeSettings): Promise<Bundle> {
  // Not through `openBundle`: loading the validation of bundle files takes a third of the startup time.
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
      // Loaded on demand: the image decoders take memory and time.
      const { readStill } = await import('../media/picture/still.ts');
      return readStill(job.path, queryPictureFormat(bundle()));
    }
    case 'clip':
      return decodeClip(job, bundle(), onProgress);
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
