import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gate, isPending, openLoop, settle } from '../../test/support/claim-loop.ts';
import type { WaitingFlow } from './job-store.ts';

test('runs of which the node was not notified are found by a poll every second', async (t) => {
  const loop = await openLoop(t);
  loop.loop.start();
  await settle();
  await loop.create('a');
  await loop.tick(999);
  assert.deepEqual(await loop.tasks(), []);
  await loop.tick(1);
  assert.deepEqual(await loop.tasks(), ['a']);
});

test('a notification starts a claim at once, and so does one that comes during a claim', async (t) => {
  const { loop, store, create, tasks, begun } = await openLoop(t);
  loop.start();
  await settle();
  await create('a');
  loop.notify();
  assert.deepEqual(await tasks(), ['a']);
  const { open, opened } = gate();
  const { waiting } = store;
  store.waiting = async (names) => {
    const flows = await waiting(names);
    await opened;
    return flows;
  };
  // One executor is left, so no other claim can make up for a lost notification.
  loop.releaseSlot(begun[0]!.id);
  await settle();
  await create('b');
  loop.notify();
  open();
  assert.deepEqual(await tasks(), ['a', 'b']);
});

test('while all slots are taken, notifications cause no queries; the end of a run does', async (t) => {
  const { loop, calls, create, tasks, begun } = await openLoop(t);
  await create('a', 'b');
  loop.start();
  assert.deepEqual(await tasks(), ['a']);
  const queries = calls.waiting + calls.claim;
  for (let i = 0; i < 10; i++) loop.notify();
  await settle();
  assert.equal(calls.waiting + calls.claim, queries);
  begun[0]!.end();
  assert.deepEqual(await tasks(), ['a', 'b']);
});

test('one list of waiting flows serves many claims; it is read again once it is used up', async (t) => {
  const { loop, calls, create, tasks } = await openLoop(t, { concurrency: 3 });
  await create('a', 'b', 'c');
  loop.start();
  assert.deepEqual(await tasks(), ['a', 'b', 'c']);
  assert.equal(calls.waiting, 1);
  assert.equal(calls.claim, 3);
});

test('an empty list stays valid until the next notification', async (t) => {
  const { loop, calls, create, tasks } = await openLoop(t, { concurrency: 2 });
  loop.start();
  await settle();
  assert.equal(calls.waiting, 1, 'four executors share one empty list');
  await create('a');
  loop.notify();
  assert.deepEqual(await tasks(), ['a']);
});

test('flows beyond those that one list holds are claimed at once', async (t) => {
  const { loop, store, create, tasks } = await openLoop(t, { concurrency: 3 });
  const { waiting } = store;
  store.waiting = async (names) => (await waiting(names)).slice(0, 1);
  await create('a', 'b', 'c');
  loop.start();
  assert.deepEqual(await tasks(), ['a', 'b', 'c']);
});

test('a flow that arrives while a list is in use waits for half a second at most', async (t) => {
  const { loop, calls, create, tasks, begun, tick } = await openLoop(t);
  await create('x/1', 'x/2', 'x/3', 'x/4');
  loop.start();
  await settle();
  await create('y/new');
  await tick(499);
  begun[0]!.end();
  assert.deepEqual(await tasks(), ['1', '2']);
  assert.equal(calls.waiting, 1);
  await tick(1);
  begun[1]!.end();
  await settle();
  assert.equal(calls.waiting, 2);
  begun[2]!.end();
  assert.ok((await tasks()).slice(2).includes('new'));
});

test('owners take turns', async (t) => {
  const { loop, create, tasks, begun } = await openLoop(t);
  await create('x/1', 'x/2', 'x/3', 'y/4');
  loop.start();
  for (let i = 0; i < 3; i++) {
    await settle();
    begun[i]!.end();
  }
  assert.deepEqual(await tasks(), ['1', '4', '2', '3']);
});

test('a flow whose last run another node has taken is passed over', async (t) => {
  const { loop, store, calls, create, tasks, claim } = await openLoop(t);
  await create('a', 'b');
  const { claim: counted } = store;
  store.claim = async (flow, names, lease) => {
    if (flow.subject === 'a') await claim(flow, names, { workerId: 'other', leaseDurationMs: 30_000 });
    return counted(flow, names, lease);
  };
  loop.start();
  assert.deepEqual(await tasks(), ['b']);
  assert.equal(calls.waiting, 1);
});

test('flows that this node cannot execute are left to others', async (t) => {
  const accepts = ({ subject }: WaitingFlow) => subject !== 'foreign';
  const { loop, create, tasks } = await openLoop(t, { concurrency: 3, accepts });
  await create('foreign', 'own');
  loop.start();
  assert.deepEqual(await tasks(), ['own']);
});

test('a run is claimed only while there is memory for it', async (t) => {
  let hasRoom = false;
  const { loop, calls, create, tasks } = await openLoop(t, { hasRoom: () => hasRoom });
  await create('a');
  loop.start();
  assert.deepEqual(await tasks(), []);
  assert.equal(calls.waiting, 0);
  hasRoom = true;
  loop.notify();
  assert.deepEqual(await tasks(), ['a']);
});

test('a failed claim is logged, and the next poll claims again', async (t) => {
  const { loop, store, log, create, tasks, tick } = await openLoop(t);
  const { waiting } = store;
  store.waiting = async () => {
    store.waiting = waiting;
    throw new Error('no connection');
  };
  await create('a');
  loop.start();
  // The loop's second executor claims it.
  assert.deepEqual(await tasks(), ['a']);
  assert.deepEqual(
    log.map(({ msg, workflows, err }) => [msg, workflows, (err as { message: string }).message]),
    [['claim failed', ['work'], 'no connection']],
  );
  await tick(1000);
  assert.equal(log.length, 1);
});

test('the run of a claim whose reply was lost is released and executed, and no other run with it', async (t) => {
  const { loop, store, calls, create, tasks, tick, claim } = await openLoop(t, { concurrency: 2 });
  await create('held');
  loop.start();
  assert.deepEqual(await tasks(), ['held']);
  const { claim: counted, release } = store;
  const lost: string[] = [];
  store.claim = async (flow, names, lease) => {
    store.claim = counted;
    await claim(flow, names, lease);
    lost.push(lease.workerId);
    throw new Error('no reply');
  };
  let releases = 0;
  store.release = async (workerIds) => {
    await release(workerIds);
    if (++releases === 1) throw new Error('no reply either');
  };
  await create('b');
  loop.notify();
  assert.deepEqual(await tasks(), ['held']);
  await tick(1000);
  await tick(1000);
  assert.deepEqual(await tasks(), ['held', 'b']);
  assert.deepEqual(calls.release, [lost, lost]);
  await tick(5000);
  assert.deepEqual(calls.release, [lost, lost]);
});

test('nothing is claimed before the run of a lost reply is released', async (t) => {
  const { loop, store, calls, create, tick, tasks, claim } = await openLoop(t);
  const { claim: counted, release } = store;
  store.claim = async (flow, names, lease) => {
    store.claim = counted;
    await claim(flow, names, lease);
    throw new Error('no reply');
  };
  const { open, opened } = gate();
  store.release = async (workerIds) => {
    await opened;
    return release(workerIds);
  };
  await create('a');
  loop.start();
  await settle();
  const queries = calls.waiting + calls.claim;
  await create('b');
  await tick(1000);
  assert.equal(calls.waiting + calls.claim, queries);
  open();
  assert.equal((await tasks()).length, 1);
});

test('a stop ends the wait for work, and nothing is claimed after it', async (t) => {
  const { loop, calls, create, tick } = await openLoop(t);
  loop.start();
  await settle();
  const stopped = loop.stop();
  assert.equal(await isPending(stopped), false);
  const queries = calls.waiting;
  await create('a');
  loop.notify();
  await tick(3000);
  assert.equal(calls.waiting, queries);
});

test('a stop waits for the claim in progress, whose run counts as held; no further run is claimed', async (t) => {
  const { loop, store, create, tasks } = await openLoop(t, { concurrency: 2 });
  const { claim } = store;
  const { open, opened } = gate();
  store.claim = async (...given) => {
    await opened;
    return claim(...given);
  };
  await create('a', 'b');
  loop.start();
  await settle();
  const stopped = loop.stop();
  assert.equal(await isPending(stopped), true);
  open();
  await stopped;
  assert.equal(loop.running, 1);
  assert.equal(loop.workerIds.length, 1);
  assert.deepEqual(await tasks(), ['a']);
});

test('a stop waits for a claim even if one beside it has failed', async (t) => {
  const { loop, store, create, tasks } = await openLoop(t, { concurrency: 2 });
  const { waiting } = store;
  const { open, opened } = gate();
  store.waiting = async () => {
    store.waiting = async (names) => {
      await opened;
      return waiting(names);
    };
    throw new Error('no connection');
  };
  await create('a');
  loop.start();
  await settle();
  const stopped = loop.stop();
  assert.equal(await isPending(stopped), true);
  open();
  await stopped;
  assert.equal(loop.running, 1);
  assert.deepEqual(await tasks(), ['a']);
});

test('a run that releases its slot lets the next one begin; unknown runs are ignored', async (t) => {
  const { loop, create, tasks, begun } = await openLoop(t);
  await create('a', 'b');
  loop.start();
  assert.deepEqual(await tasks(), ['a']);
  loop.releaseSlot('work/unknown');
  assert.deepEqual(await tasks(), ['a']);
  loop.releaseSlot(begun[0]!.id);
  assert.deepEqual(await tasks(), ['a', 'b']);
  assert.equal(loop.running, 2);
});
