import { totalmem } from 'node:os';

const MEGABYTE = 1024 ** 2;

/** Enough for any video within the limits in a common codec: 5184 × 2160 pixels of H.264 take 250 MB. */
const MIN_WORKER_MB = 512;
/** Sixteen reference pictures of 5184 × 2160 pixels at ten bits are 540 MB; what takes four times that is damaged. */
const MAX_WORKER_MB = 2048;
/** The rest is for the server itself, for the page cache and for others. */
const WORKERS_SHARE = 3 / 4;

/** Memory that this process and its children may use, in bytes: of the machine, or of the container if that has less. */
export function machineMemoryBytes(): number {
  // 0 where it is not known, and more than the machine has where there is no limit.
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}

/**
 * Memory limit of one media worker, in megabytes, at which all together stay within three quarters of what there is. Workers
 * that probe and answer queries count as one, because they are rarely at work at the same time.
 */
export function workerMemoryMb({ machineBytes, workers }: { machineBytes: number; workers: number }): number {
  const share = Math.floor((machineBytes * WORKERS_SHARE) / (workers + 1) / MEGABYTE);
  return Math.min(Math.max(share, MIN_WORKER_MB), MAX_WORKER_MB);
}
