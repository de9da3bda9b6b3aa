import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineWorkflow } from 'openworkflow';
import { pino } from 'pino';
import { ReelvecError } from '../errors.ts';
import { type AnyWorkflow, JobEngine } from './engine.ts';
import { reconcile } from './reconcile.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-reconcile-'));
after(() => rmSync(folder, { recursive: true }));
const log = pino({ level: 'silent' });

/** Runs a workflow whose child fails after some attempts. @returns the error that its row gets */
async function toldOf(error: Error, maximumAttempts: number): Promise<{ code: string; message: string } | undefined> {
  const engine = await JobEngine.openEmbedded(join(folder, `${error.name}.db`), log);
  const child = defineWorkflow({ name: 'child' }, ({ step }) =>
    step.run({ name: 'try', retryPolicy: { maximumAttempts, initialInterval: '10ms' } }, () => {
      throw error;
    }),
  );
  const parent = defineWorkflow({ name: 'parent' }, ({ step }) => step.runWorkflow(child.spec, {}));
  engine.work({ workflows: [parent, child] as AnyWorkflow[], concurrency: 2 });
  const runId = await engine.start(parent as AnyWorkflow, {}, 'key');
  try {
    while ((await engine.statuses([runId])).get(runId) === 'unfinished') await sleep(20);
    let told: { code: string; message: string } | undefined;
    await reconcile({
      engine,
      log,
      unstarted: async () => [],
      started: async () => [{ id: 'one', runId }],
      unfinished: async (id) => ({ id }),
      start: () => assert.fail('it has a run'),
      fail: async (_, given) => {
        told = given;
      },
    });
    return told;
  } finally {
    await engine.releaseLeases();
    await engine.close();
  }
}

test('what gave up tells a client how often it was tried and why, in words that were meant for clients', async () => {
  const told = await toldOf(new ReelvecError('service_unavailable', 'Processing stopped answering.'), 3);
  assert.equal(told?.code, 'internal_server_error');
  assert.match(
    told.message,
    /not of the media\. It was tried 3 times\. In the end: Processing stopped answering\. Create it again\.$/,
  );
});

test('and nothing of an error that was not', async () => {
  const told = await toldOf(new TypeError('cannot read secrets of undefined'), 1);
  assert.equal(told?.code, 'internal_server_error');
  assert.match(told.message, /not of the media\. It was tried once\. Create it again\.$/);
});
