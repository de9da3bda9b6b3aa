import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairScheduler, type Flow } from './fair-scheduler.ts';

/** Serves waiting chunks, by owner/task, until none is left. @returns the order of service */
function play(scheduler: FairScheduler, waiting: Map<string, number>, most = Number.POSITIVE_INFINITY): string[] {
  const order: string[] = [];
  while (order.length < most) {
    const flow = scheduler.next([...waiting].filter(([, chunks]) => chunks > 0).map(([name]) => flowOf(name)));
    if (!flow) break;
    const name = `${flow.owner}/${flow.subject}`;
    scheduler.served(flow);
    waiting.set(name, waiting.get(name)! - 1);
    order.push(name);
  }
  return order;
}

function flowOf(name: string): Flow {
  const [owner = '', subject = ''] = name.split('/');
  return { owner, subject };
}

test('the tasks of one key take turns', () => {
  const order = play(
    new FairScheduler(),
    new Map([
      ['a/long', 4],
      ['a/short', 1],
    ]),
  );
  assert.deepEqual(order, ['a/long', 'a/short', 'a/long', 'a/long', 'a/long']);
});

test('a task that comes while others are worked on waits for one round', () => {
  const scheduler = new FairScheduler();
  const waiting = new Map([['a/long', 24]]);
  play(scheduler, waiting, 3);
  waiting.set('a/short', 1);
  assert.deepEqual(play(scheduler, waiting, 2), ['a/long', 'a/short']);
});

test('a key with many tasks has no more turns than a key with one', () => {
  const many = Array.from({ length: 10 }, (_, i): [string, number] => [`a/${i}`, 3]);
  const order = play(new FairScheduler(), new Map([...many, ['b/0', 5]]));
  assert.deepEqual(
    order.slice(0, 10).map((name) => name[0]),
    [...'ababababab'],
  );
});

test('short tasks that keep coming do not starve a long one', () => {
  const scheduler = new FairScheduler();
  const waiting = new Map([['a/long', 24]]);
  let turnsOfLong = 0;
  for (let round = 0; round < 30; round++) {
    // Two new tasks arrive for each that is served.
    waiting.set(`a/short-${2 * round}`, 1).set(`a/short-${2 * round + 1}`, 1);
    turnsOfLong += play(scheduler, waiting, 2).filter((name) => name === 'a/long').length;
  }
  assert.ok(turnsOfLong >= 5, `${turnsOfLong} of 60 turns`);
});

test('nothing is served if nothing waits', () => {
  const scheduler = new FairScheduler();
  assert.equal(scheduler.next([]), undefined);
  scheduler.served(flowOf('a/unknown'));
  assert.deepEqual(scheduler.next([flowOf('a/1')]), flowOf('a/1'));
});

test('looking for the next flow twice does not advance the round', () => {
  const scheduler = new FairScheduler();
  const waiting = [flowOf('a/1'), flowOf('b/1')];
  assert.deepEqual([scheduler.next(waiting), scheduler.next(waiting)], [flowOf('a/1'), flowOf('a/1')]);
});

test('a key whose tasks were all served starts anew: its oldest task comes first', () => {
  const scheduler = new FairScheduler();
  scheduler.served(scheduler.next([flowOf('a/1'), flowOf('a/2')])!);
  scheduler.next([flowOf('b/1')]);
  assert.deepEqual(scheduler.next([flowOf('a/1'), flowOf('a/2')]), flowOf('a/1'));
});

test('the round of a key goes on while others are served', () => {
  const scheduler = new FairScheduler();
  const waiting = [flowOf('a/1'), flowOf('a/2'), flowOf('b/1')];
  const served = Array.from({ length: 5 }, () => {
    const flow = scheduler.next(waiting)!;
    scheduler.served(flow);
    return `${flow.owner}/${flow.subject}`;
  });
  assert.deepEqual(served, ['a/1', 'b/1', 'a/2', 'b/1', 'a/1']);
});
