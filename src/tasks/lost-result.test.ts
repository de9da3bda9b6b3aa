import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { MemoryBlobStore } from '../../test/support/memory-blobs.ts';
import { assetKey } from '../assets/blobs.ts';
import type { Asset } from '../assets/repository.ts';
import { isReelvecError } from '../errors.ts';
import { REBUILDING_WARNING, rebuildResult } from './lost-result.ts';
import type { Task } from './repository.ts';
import type { Source } from './request.ts';

const ready = { id: 'asset', owner: 'me', status: 'ready', contentId: 'content' } as Asset;

interface Situation {
  readonly source?: Source;
  readonly asset?: Asset;
  readonly isStored?: boolean;
  readonly bundle?: string;
  /** True if another request restarted the task meanwhile. */
  readonly isRestarted?: boolean;
  readonly isStartable?: boolean;
}

/** Rebuilds a result. @returns what happened, in order, and the refusal */
async function rebuild(situation: Situation) {
  const { source = { kind: 'asset', assetId: 'asset' }, asset = ready, isStored = true } = situation;
  const happened: unknown[] = [];
  const blobs = new MemoryBlobStore();
  if (isStored) await blobs.write(assetKey('content'), Buffer.from('film'));
  const task = { id: 'task', owner: 'me', bundle: situation.bundle ?? 'signal@1', request: { source } } as Task;
  const refusal = await rebuildResult(
    {
      tasks: {
        restart: async (given: Task, warning: string) => {
          happened.push(['restart', given.id, warning]);
          return situation.isRestarted ? undefined : given;
        },
      } as never,
      assets: {
        get: async (id: string, owner: string) => (id === asset.id && owner === asset.owner ? asset : undefined),
      },
      blobs,
      bundle: { name: 'signal', revision: '1' } as never,
      start: async ({ id }) => {
        happened.push(['start', id]);
        if (situation.isStartable === false) throw new Error('no queue');
      },
      log: pino({}, { write: (line: string) => void happened.push(['log', JSON.parse(line).msg]) }),
    },
    task,
  ).then(
    () => undefined,
    (error: unknown) => error,
  );
  await new Promise((resolve) => setImmediate(resolve));
  return { happened, refusal };
}

test('a lost result is rebuilt from its asset', async () => {
  const { happened, refusal } = await rebuild({});
  assert.equal(refusal, undefined);
  assert.deepEqual(happened, [
    ['restart', 'task', REBUILDING_WARNING],
    ['log', 'result lost, rebuilding'],
    ['start', 'task'],
  ]);
});

test('a task that another request restarted is not started again', async () => {
  const { happened } = await rebuild({ isRestarted: true });
  assert.deepEqual(happened, [['restart', 'task', REBUILDING_WARNING]]);
});

test('a task that cannot be started is left to maintenance', async () => {
  const { happened, refusal } = await rebuild({ isStartable: false });
  assert.equal(refusal, undefined);
  assert.deepEqual(happened.at(-1), ['log', 'task not started']);
});

test('a lost result without its source is refused with the reason, and the task does not change', async () => {
  const cases: [Situation, RegExp][] = [
    [{ source: { kind: 'base64' } }, /its media was not kept, because it did not come as an asset/],
    [{ source: { kind: 'asset', assetId: 'other' } }, /the asset other was deleted/],
    [{ asset: { ...ready, owner: 'somebody' } }, /the asset asset was deleted/],
    [{ asset: { ...ready, status: 'processing' } }, /the media of the asset asset is missing too/],
    [{ isStored: false }, /the media of the asset asset is missing too/],
    [{ bundle: 'signal@0' }, /made with the bundle signal@0, and the server now works with signal@1/],
  ];
  for (const [situation, reason] of cases) {
    const { happened, refusal } = await rebuild(situation);
    assert.ok(isReelvecError(refusal), String(reason));
    assert.equal(refusal.code, 'resource_not_exist');
    assert.match(refusal.message, reason);
    assert.match(refusal.message, /The result of the task task is missing/);
    assert.deepEqual(refusal.details, { collection: 'embed-v2/tasks', id: 'task' });
    assert.deepEqual(happened, [['log', 'result lost']]);
  }
});
