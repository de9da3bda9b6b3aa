import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Task } from './repository.ts';
import { TaskStarter } from './starter.ts';

const task = (id: string) => ({ id }) as Task;
const turns = () => new Promise((resolve) => setImmediate(resolve));

function starter({ save = async () => {} }: { save?: () => Promise<void> } = {}) {
  const saved: [string, string][][] = [];
  const faults: unknown[] = [];
  const made = new TaskStarter({
    tasks: {
      setRuns: async (runs) => {
        saved.push([...runs]);
        await save();
      },
    },
    enqueue: async ({ id }) => {
      if (id === 'refused') throw new Error('the queue is closed');
      return `run-${id}`;
    },
    onSaveFailed: (error) => faults.push(error),
  });
  return { made, saved, faults };
}

test('run ids within the batch window are saved in one statement, later ones in another', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { made, saved } = starter();
  await Promise.all([made.start(task('a')), made.start(task('b'))]);
  t.mock.timers.tick(49);
  assert.deepEqual(saved, []);
  t.mock.timers.tick(1);
  const first = [
    ['a', 'run-a'],
    ['b', 'run-b'],
  ];
  assert.deepEqual(saved, [first]);
  await made.start(task('c'));
  t.mock.timers.tick(50);
  assert.deepEqual(saved, [first, [['c', 'run-c']]]);
  t.mock.timers.tick(1000);
  assert.equal(saved.length, 2);
});

test('a flush waits for starts and saves their ids at once', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { made, saved } = starter();
  void made.start(task('a'));
  await made.flush();
  assert.deepEqual(saved, [[['a', 'run-a']]]);
  await made.flush();
  assert.equal(saved.length, 1);
});

test('an error of the queue rejects for its caller, and does not block a flush', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { made, saved } = starter();
  await assert.rejects(made.start(task('refused')), /the queue is closed/);
  await made.start(task('a'));
  await made.flush();
  assert.deepEqual(saved, [[['a', 'run-a']]]);
});

test('a failed save is reported and rejects nothing', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { made, faults } = starter({ save: () => Promise.reject(new Error('no database')) });
  await made.start(task('a'));
  t.mock.timers.tick(50);
  await turns();
  assert.match(String(faults), /no database/);
});
