import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { TimeRange } from '../domain/time-range.ts';
import { type Position, type TaskEvent, taskEvents } from './events.ts';
import type { Stage, Task, TaskRepository } from './repository.ts';

const POLL_MS = 250;
const [first, second, third] = [0, 4, 8].map((startSec): TimeRange => ({ startSec, endSec: startSec + 4 }));

/** State of a task at one poll; undefined if it was deleted. */
type State = { stage?: Stage; status?: Task['status']; segments?: TimeRange[][]; progress?: number } | undefined;

/** The events of a task that is in these states at one poll after the other. Its last state remains. */
async function eventsOf(t: TestContext, states: State[], { from = [] as Position, abortAfter = Infinity } = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const stop = new AbortController();
  const left = [...states];
  let polls = 0;
  const now = () => (left.length > 1 ? left.shift() : left[0]);
  let state: State;
  const tasks = {
    get: async () => {
      if (++polls > abortAfter) stop.abort();
      state = now();
      return state && { id: 'task', status: state.status ?? 'processing', stage: state.stage ?? 'embedding' };
    },
    embeddedSegments: async () => state?.segments ?? [],
    progress: async () => state?.progress ?? 0,
  } as unknown as TaskRepository;
  const found: TaskEvent[] = [];
  const reading = (async () => {
    for await (const event of taskEvents(tasks, 'task', { from, signal: stop.signal })) found.push(event);
  })();
  let isOver = false;
  void reading.then(() => {
    isOver = true;
  });
  while (!isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    t.mock.timers.tick(POLL_MS);
  }
  await reading;
  return { events: found.map(({ task, ...event }: TaskEvent & { task?: Task }) => event), polls };
}

test('events are progress, segments and the end, each with the position after it', async (t) => {
  const { events } = await eventsOf(t, [
    { stage: 'queued' },
    { segments: [[first!], []], progress: 0.25 },
    { segments: [[first!], [third!]], progress: 0.5 },
    { segments: [[first!, second!], [third!]], progress: 1, status: 'ready' },
  ]);
  assert.deepEqual(events, [
    { type: 'progress', position: [], fraction: 0, stage: 'queued' },
    { type: 'segment', position: [1], ...first },
    { type: 'progress', position: [1], fraction: 0.25, stage: 'embedding' },
    { type: 'segment', position: [1, 1], ...third },
    { type: 'progress', position: [1, 1], fraction: 0.5, stage: 'embedding' },
    { type: 'segment', position: [2, 1], ...second },
    { type: 'ready', position: [2, 1] },
  ]);
});

test('a reader that resumes gets only new events, and the end once more', async (t) => {
  const state = { segments: [[first!, second!], [third!]], status: 'failed' } as const;
  const { events } = await eventsOf(t, [state as unknown as State], { from: [1] });
  assert.deepEqual(events, [
    { type: 'segment', position: [2], ...second },
    { type: 'segment', position: [2, 1], ...third },
    { type: 'failed', position: [2, 1] },
  ]);
});

test('a chunk that is repeated after a crash delivers no segment twice', async (t) => {
  const { events } = await eventsOf(t, [
    { segments: [[first!, second!]] },
    { segments: [[]] },
    { segments: [[first!]] },
    { segments: [[first!, second!, third!]], status: 'ready' },
  ]);
  const starts = events.flatMap((event) => (event.type === 'segment' ? [event.startSec] : []));
  assert.deepEqual(starts, [0, 4, 8]);
});

test('progress is reported only when the share or the stage changes', async (t) => {
  const { events } = await eventsOf(t, [
    { stage: 'queued' },
    { stage: 'queued' },
    { stage: 'probing' },
    { stage: 'embedding', progress: 0.5 },
    { stage: 'embedding', progress: 0.5 },
    { stage: 'finalizing', progress: 1, status: 'ready' },
  ]);
  assert.deepEqual(
    events.map((event) => (event.type === 'progress' ? [event.stage, event.fraction] : event.type)),
    [['queued', 0], ['probing', 0], ['embedding', 0.5], 'ready'],
  );
});

test('events end when the task is deleted, and when the reader stops', async (t) => {
  const { events } = await eventsOf(t, [{ stage: 'queued' }, undefined]);
  assert.equal(events.length, 1);
});

test('polling stops with the reader', async (t) => {
  const { polls, events } = await eventsOf(t, [{ stage: 'queued' }], { abortAfter: 3 });
  assert.equal(polls, 4);
  assert.equal(events.length, 1);
});
