import { totalmem } from 'node:os';

const MEGABYTE = 1024 ** 2;

/**
 * Minimum memory limit of a media worker in MB. Enough for any video within the limits in a common codec: H.264 at
 * 5184 × 2160 pixels takes 250 MB.
 */
const MIN_WORKER_MB = 512;
/**
 * Maximum memory limit of a media worker in MB. Sixteen 10-bit reference frames of 5184 × 2160 pixels are 540 MB; a
 * file that needs four times as much is damaged.
 */
const MAX_WORKER_MB = 2048;
/**
 * Fraction of the machine's memory for media workers. The rest is for the server, the page cache and other processes.
 */
const WORKERS_SHARE = 3 / 4;

/** Memory available to this process and its children in bytes: that of the machine, or the container limit if lower. */
export function machineMemoryBytes(): number {
  // constrainedMemory() is 0 if unknown, and exceeds the machine's memory if there is no limit.
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}

/**
 * Memory limit of one media worker in MB, so that all workers together stay within three quarters of the memory. Probe
 * and query workers count as one worker, because they are rarely busy at the same time.
 */
export function workerMemoryMb({ machineBytes, workers }: { machineBytes: number; workers: number }): number {
  const share = Math.floor((machineBytes * WORKERS_SHARE) / (workers + 1) / MEGABYTE);
  return Math.min(Math.max(share, MIN_WORKER_MB), MAX_WORKER_MB);
}
