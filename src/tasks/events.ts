import { setTimeout as sleep } from 'node:timers/promises';
import type { TimeRange } from '../domain/time-range.ts';
import type { Stage, Task, TaskRepository } from './repository.ts';

/** Event of a task. `position` is the resume position after the event. */
export type TaskEvent = { readonly position: Position } & (
  | { readonly type: 'progress'; readonly fraction: number; readonly stage: Stage }
  | ({ readonly type: 'segment' } & TimeRange)
  | { readonly type: 'ready' | 'failed'; readonly task: Task }
);

/** Number of delivered segments of each chunk. Chunks progress concurrently, segments within a chunk in order. */
export type Position = readonly number[];

/** Interval at which the task's rows are polled, in milliseconds. */
const EVENT_POLL_INTERVAL_MS = 250;

/**
 * Yields the events of a task from a position until it ends or is deleted. Polls the database only, so that any node
 * can report work of any other. After the end it yields the final event again.
 */
export async function* taskEvents(
  tasks: TaskRepository,
  id: string,
  { from, signal }: { from: Position; signal: AbortSignal },
): AsyncGenerator<TaskEvent, void, undefined> {
  let position: Position = from;
  let reported: { fraction: number; stage: Stage } | undefined;
  while (!signal.aborted) {
    // The status is read first: a task that is ready by then has all of its segments recorded.
    const task = await tasks.get(id);
    if (!task) return;
    for (const [chunk, segments] of (await tasks.embeddedSegments(id)).entries()) {
      // A chunk repeated after a crash restarts at zero segments. Delivered segments stay valid, because the repeat
      // produces the same ones.
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
    if (progress.fraction !== reported?.fraction || progress.stage !== reported.stage) {
      reported = progress;
      yield { type: 'progress', position, ...progress };
    }
    await sleep(EVENT_POLL_INTERVAL_MS, undefined, { signal }).catch(() => {});
  }
}

function advance(position: Position, chunk: number): Position {
  return Array.from(
    { length: Math.max(position.length, chunk + 1) },
    (_, i) => (position[i] ?? 0) + (i === chunk ? 1 : 0),
  );
}
