import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertExpected, encoderOf, server, wanted } from '../../../test/support/inference-encoder.ts';

describe('several inference servers', () => {
  test('share the work', async () => {
    const [one, two] = [await server(), await server()];
    for (const each of [one, two]) each.fault = () => ({ kind: 'slow', ms: 50 });
    assertExpected(await encoderOf([one.url, two.url]).encode(wanted));
    assert.equal(one.answered.length + two.answered.length, 12);
    assert.ok(
      Math.min(one.answered.length, two.answered.length) >= 3,
      `${one.answered.length}, ${two.answered.length}`,
    );
  });

  test('fail over: one that dies during the work is replaced, and used again once it is back', async () => {
    const [one, two] = [await server(), await server()];
    const encoder = encoderOf([one.url, two.url]);
    let stopping: Promise<void> | undefined;
    one.fault = () => ({ kind: 'slow', ms: 50 });
    two.fault = ({ count }) => {
      if (count === 2) stopping = two.stop();
      return { kind: 'slow', ms: 50 };
    };
    const started = performance.now();
    assertExpected(await encoder.encode(wanted));
    assert.ok(performance.now() - started < 5000);
    assert.ok(stopping);
    await stopping;
    const back = await server({ port: two.port });
    back.fault = one.fault;
    await sleep(1500); // a health check
    assertExpected(await encoder.encode(wanted));
    assert.ok(back.answered.length > 0);
  });

  test('pause an overloaded one without waiting for it', async () => {
    const [one, two] = [await server(), await server()];
    one.fault = () => ({ kind: 'status', status: 429, headers: { 'retry-after': '60' } });
    const started = performance.now();
    assertExpected(await encoderOf([one.url, two.url]).encode(wanted));
    assert.ok(performance.now() - started < 5000);
    assert.equal(two.answered.length, 12);
  });
});
