import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkerPool } from '../workers/pool.ts';
import type { QueryJob } from '../workers/protocol.ts';
import { type QueryVectorDeps, warmEncoders } from './query-vectors.ts';

const signal = new AbortController().signal;

/** Fake encoders of a bundle with these text query spaces, which record their jobs. */
function watched(textQuerySpaces: readonly string[]) {
  const jobs: QueryJob[] = [];
  const run = async (job: QueryJob) => {
    jobs.push(job);
    return job.spaces.map(() => new Float32Array(512));
  };
  const deps = {
    encoders: { run } as unknown as WorkerPool,
    bundle: { textQuerySpaces },
  } as unknown as QueryVectorDeps;
  return { jobs, deps };
}

test('warming encodes a text in every space and every worker, so that each model is loaded', async () => {
  const { jobs, deps } = watched(['clip', 'clap']);
  await warmEncoders(deps, { workers: 2, signal });
  assert.equal(jobs.length, 2);
  for (const job of jobs) {
    assert.deepEqual(job.spaces, ['clip', 'clap']);
    assert.equal(job.parts[0]?.kind, 'text');
  }
});

test('warming starts no worker for a bundle that takes no texts', async () => {
  const { jobs, deps } = watched([]);
  await warmEncoders(deps, { workers: 2, signal });
  assert.deepEqual(jobs, []);
});
