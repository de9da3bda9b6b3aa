import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkerPool } from '../workers/pool.ts';
import type { QueryJob } from '../workers/protocol.ts';
import { type PointDeps, warmEncoders } from './points.ts';

const signal = new AbortController().signal;

/** Encoders of a bundle whose texts lead to these spaces, and what they are asked. */
function watched(textQuerySpaces: readonly string[]) {
  const jobs: QueryJob[] = [];
  const run = async (job: QueryJob) => {
    jobs.push(job);
    return { texts: job.spaces.map(() => new Float32Array(512)), pictures: [] };
  };
  const deps = { encoders: { run } as unknown as WorkerPool, bundle: { textQuerySpaces } } as unknown as PointDeps;
  return { jobs, deps };
}

test('warming encodes a text in every space, so that each of its models is loaded', async () => {
  const { jobs, deps } = watched(['clip', 'clap']);
  await warmEncoders(deps, signal);
  assert.equal(jobs.length, 1);
  assert.deepEqual(jobs[0]?.spaces, ['clip', 'clap']);
  assert.ok(jobs[0]?.text);
});

test('warming starts no worker for a bundle that takes no texts', async () => {
  const { jobs, deps } = watched([]);
  await warmEncoders(deps, signal);
  assert.deepEqual(jobs, []);
});
