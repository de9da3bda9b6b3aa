import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

/** Program that allocates and drops 1 GB in buffers of 64 KB beside a heap of a server's size, and counts collections. */
const PROGRAM = `
  import { PerformanceObserver, constants } from 'node:perf_hooks';
  import { setImmediate as turn } from 'node:timers/promises';
  const { tuneGarbageCollection } = await import(process.argv[1]);
  tuneGarbageCollection();
  const live = Array.from({ length: 400_000 }, (_, i) => ({ i, text: 'x' + i }));
  globalThis.gc();
  await turn();
  let [full, young] = [0, 0];
  new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries()) {
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) full++;
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MINOR) young++;
    }
  }).observe({ entryTypes: ['gc'] });
  for (let i = 0; i < 16_384; i++) {
    Buffer.allocUnsafeSlow(65_536);
    if (i % 16 === 0) await turn();
  }
  await turn();
  console.log(JSON.stringify({ full, young, live: live.length }));
`;

test('short-lived buffers are freed by collections of the young generation', async () => {
  const url = new URL('./garbage-collection.ts', import.meta.url).href;
  const flags = ['--max-semi-space-size=4', '--expose-gc', '--input-type=module'];
  const child = spawn(process.execPath, [...flags, '--eval', PROGRAM, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  const output = child.stdout.toArray();
  await once(child, 'close');
  const { full, young } = JSON.parse(Buffer.concat(await output).toString());
  // Without the flags there are about 18 full collections, and none of the young generation.
  assert.ok(young >= 30, `${young} of the young generation, ${full} full`);
});
