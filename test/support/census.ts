import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { entriesOf, filesIn } from './files.ts';
import type { Inspector } from './inspector.ts';

/** Counts by kind. */
export type Counts = Readonly<Record<string, number>>;

/** Counts the open descriptors of a process by target, and the files and empty folders in its folders (Linux). */
export function countFiles(pid: number, folders: readonly string[]): Counts {
  const counts: Record<string, number> = {};
  const add = (kind: string, count: number) => {
    counts[kind] = (counts[kind] ?? 0) + count;
  };
  for (const target of openDescriptors(pid)) add(`descriptors of ${target}`, 1);
  for (const folder of folders) {
    add(`files in ${folder}`, filesIn(folder).length);
    add(`empty folders in ${folder}`, emptyFoldersIn(folder).length);
  }
  return counts;
}

/** Counts the active resources of a process: timers, sockets, pipes. */
export async function countResources(inspector: Inspector): Promise<Counts> {
  const counts: Record<string, number> = {};
  for (const type of await inspector.evaluate<string[]>('process.getActiveResourcesInfo()')) {
    counts[type] = (counts[type] ?? 0) + 1;
  }
  return counts;
}

const COUNT_LISTENERS = `(emitters) => {
  let listeners = 0;
  for (const emitter of emitters) {
    if (!(emitter._eventsCount > 0)) continue;
    for (const name of emitter.eventNames()) listeners += emitter.listenerCount(name);
  }
  return { emitters: emitters.length, listeners };
}`;

/** Counts listeners and dependent signals. A signal's weak references to dependents are too small to show as memory. */
const COUNT_FOLLOWERS = `(signals) => {
  const { getEventListeners } = process.getBuiltinModule('node:events');
  let abortListeners = 0;
  let followers = 0;
  for (const signal of signals) {
    if (signal === AbortSignal.prototype) continue;
    abortListeners += getEventListeners(signal, 'abort').length;
    for (const name of Object.getOwnPropertySymbols(signal)) {
      if (/ependantSignals/.test(String(name))) followers += signal[name]?.size ?? 0;
    }
  }
  return { signals: signals.length, abortListeners, followers };
}`;

/** Counts listeners, signals and promises. Stops the process for three garbage collections. */
export async function countObjects(inspector: Inspector): Promise<Counts> {
  const emitters = "process.getBuiltinModule('node:events').EventEmitter.prototype";
  return {
    ...(await inspector.queryObjects<Counts>(emitters, COUNT_LISTENERS)),
    ...(await inspector.queryObjects<Counts>('AbortSignal.prototype', COUNT_FOLLOWERS)),
    promises: await inspector.queryObjects<number>('Promise.prototype', '(promises) => promises.length'),
  };
}

/** Bytes in use after a garbage collection, in the heap and outside it. */
export async function memoryInUse(inspector: Inspector): Promise<number> {
  await inspector.collectGarbage();
  const { heapUsed, external } = await inspector.evaluate<NodeJS.MemoryUsage>('process.memoryUsage()');
  return heapUsed + external;
}

/** Compares counts. @returns the kinds that grew by more than `allowed` */
export function growth(before: Counts, now: Counts, allowed: number): string[] {
  return Object.entries(now)
    .filter(([kind, count]) => count > (before[kind] ?? 0) + allowed)
    .map(([kind, count]) => `${kind}: ${before[kind] ?? 0} → ${count}`);
}

/** Targets of the open descriptors of a process, without inode numbers. */
function openDescriptors(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return readlinkSync(join(folder, fd)).replace(/:\[\d+\]$/, '');
    } catch {
      return []; // closed meanwhile
    }
  });
}

/** Empty folders below a folder. */
function emptyFoldersIn(folder: string): string[] {
  const entries = entriesOf(folder);
  return entries
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const path = join(folder, name);
      return entriesOf(path).length === 0 ? [path] : emptyFoldersIn(path);
    });
}
