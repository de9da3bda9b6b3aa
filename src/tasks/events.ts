import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage, Task, TaskRepository } from './repository.ts';

/** Something that happened to a task. `position` is where a reader that knows of it goes on. */
export type TaskEvent = { readonly position: Position } & (
  | { readonly type: 'progress'; readonly fraction: number; readonly stage: Stage }
  | { readonly type: 'segment'; readonly startSec: number; readonly endSec: number }
  | { readonly type: 'ready' | 'failed'; readonly task: Task }
);

/** How many segments of each chunk a reader knows of: chunks are worked on side by side, and each in order. */
export type Position = readonly number[];

/** How often the task is looked at, in milliseconds. */
const LOOK_MS = 250;

/**
 * What happens to a task, from a position on, until it ends or is deleted. Reads the database only, so that any node
 * can tell of work on any other; after the end it tells the same once more.
 */
export async function* taskEvents(
  tasks: TaskRepository,
  id: string,
  { from, signal }: { from: Position; signal: AbortSignal },
): AsyncGenerator<TaskEvent, void, undefined> {
  let position: Position = from;
  let told: { fraction: number; stage: Stage } | undefined;
  while (!signal.aborted) {
    // The status first: what is ready by then has all its segments written down.
    const task = await tasks.get(id);
    if (!task) return;
    for (const [chunk, segments] of (await tasks.embeddedSegments(id)).entries()) {
      // A chunk that is done again after a crash starts from none: what was told stays told, for it comes out the same.
      for (const segment of segments.slice(position[chunk] ?? 0)) {
        position = advance(position, chunk);
        yield { type: 'segment', position, ...segment };
      }
    }
    if (task.status !== 'processing') {
      yield { type: task.status, position, task };
      return;
    }
    const progress = { fraction: await tasks.progress(id), stage: task.stage };
    if (progress.fraction !== told?.fraction || progress.stage !== told.stage) {
      told = progress;
      yield { type: 'progress', position, ...progress };
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
  }
}

function advance(position: Position, chunk: number): Position {
  return Array.from(
    { length: Math.max(position.length, chunk + 1) },
    (_, i) => (position[i] ?? 0) + (i === chunk ? 1 : 0),
  );
}
