import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { encoderContract } from '../../../test/support/contracts/encoder.ts';
import {
  assertExpected,
  cleanup,
  clips,
  type EncoderOptions,
  encoderOf,
  expectedVectors,
  flat,
  server,
  VISION,
  wanted,
} from '../../../test/support/inference-encoder.ts';
import type { Fault } from '../../../test/support/inference-server.ts';
import { TINY_VIT, textModel, visionModel } from '../../../test/support/onnx/models.ts';
import { InferenceClient, InferenceServerRefusal, InferenceServerUnavailable } from '../remote/client.ts';
import { ProtocolFault } from '../remote/protocol-fault.ts';
import { InferenceServerModel } from './model.ts';
import { HEALTH_PATH } from './protocol.ts';

const contractServer = await server();
encoderContract('visual on an inference server', async () => encoderOf([contractServer.url]), [
  ...clips(3),
  flat(0),
  flat(255),
]);

describe('an inference server', () => {
  test('gives the vectors of onnxruntime, with a bounded number of concurrent requests', async () => {
    const one = await server();
    assertExpected(await encoderOf([one.url]).encode(wanted));
    assert.equal(one.answered.length, 12);
    assert.ok(one.busiest <= 3 && one.busiest > 1, `${one.busiest} at once`);
    assert.ok(one.connections <= 3, `${one.connections} connections`);
  });

  test('receives the configured Authorization header', async () => {
    const one = await server();
    await encoderOf([one.url], { authorization: 'Bearer secret' }).encode(clips(1));
    assert.equal(one.headers.authorization, 'Bearer secret');
  });

  test('needs no names for a model with one input and one output', async () => {
    const one = await server();
    assertExpected(await encoderOf([one.url], { input: '*', output: '*' }).encode(wanted));
  });

  test('may run a model of half precision', async () => {
    const one = await server({ half: true });
    const vectors = await encoderOf([one.url]).encode(wanted.slice(0, 2));
    for (const [i, vector] of vectors.entries()) {
      const cosine = vector.reduce((sum, value, j) => sum + value * expectedVectors[i]![j]!, 0);
      assert.ok(cosine > 0.9999, `${cosine}`);
    }
  });

  const passing: Record<string, (count: number) => Fault | null> = {
    'that has too much to do (429)': (count) =>
      count % 3 === 0 ? { kind: 'status', status: 429, headers: { 'retry-after': '0' } } : null,
    'that is not there for a moment (503)': (count) => (count < 4 ? { kind: 'status', status: 503 } : null),
    'whose answers break off': (count) => (count % 2 === 0 && count < 14 ? { kind: 'cut' } : null),
    'that answers some requests too late': (count) => (count === 2 ? { kind: 'slow', ms: 3000 } : null),
  };
  for (const [name, fault] of Object.entries(passing)) {
    test(`${name} loses no picture and doubles none`, async () => {
      const one = await server();
      one.fault = ({ count }) => fault(count);
      assertExpected(await encoderOf([one.url], { timeoutMs: 1000 }).encode(wanted));
      // Every batch was answered, once; a late response keeps the id of its request.
      const ids = new Set(one.answered.map(({ id }) => id));
      assert.equal(ids.size, 12);
    });
  }

  test('gets no request for as long as Retry-After says', async () => {
    const one = await server();
    const times: number[] = [];
    one.fault = ({ count }) => {
      times.push(performance.now());
      return count === 0 ? { kind: 'status', status: 503, headers: { 'retry-after': '1' } } : null;
    };
    await encoderOf([one.url]).encode(clips(1));
    assert.ok(times[1]! - times[0]! >= 990, `${times[1]! - times[0]!} ms`);
  });

  test('that stays unavailable rejects with a retryable error after patienceMs', async () => {
    const one = await server();
    await one.stop();
    const encoder = encoderOf([one.url], { patienceMs: 1000 });
    const started = performance.now();
    await assert.rejects(encoder.encode(clips(1)), (error: Error) => {
      assert.ok(error instanceof InferenceServerUnavailable);
      assert.match(error.message, new RegExp(`${one.url}.*ECONNREFUSED`));
      return true;
    });
    assert.ok(performance.now() - started < 3000);
  });

  test('that recovers is used again by the same encoder', async () => {
    const one = await server();
    const encoder = encoderOf([one.url], { patienceMs: 300 });
    await encoder.encode(clips(1));
    await one.stop();
    await assert.rejects(encoder.encode(clips(1)), InferenceServerUnavailable);
    await server({ port: one.port });
    assertExpected(await encoder.encode(wanted));
  });

  test('has its requests cancelled on abort', async () => {
    const one = await server();
    one.fault = () => ({ kind: 'slow', ms: 2000 });
    const abort = new AbortController();
    const encoding = encoderOf([one.url]).encode(wanted, { signal: abort.signal });
    while (one.busy < 3) await sleep(10);
    abort.abort();
    await assert.rejects(encoding, { name: 'AbortError' });
    while (one.busy > 0) await sleep(10);
    assert.equal(one.answered.length, 0);
  });

  const broken: Record<string, { readonly fault: Fault; readonly message: RegExp }> = {
    'more rows than were asked for': {
      fault: {
        kind: 'answer',
        change: ({ id, outputs: [output] }, bytes) => {
          const shape = [output!.shape[0]! + 1, 512];
          const longer = Buffer.concat([bytes, bytes.subarray(0, 2048)]);
          return answer({ id, shape, size: longer.length }, longer);
        },
      },
      message: /shape 3 × 512, where the bundle has 2 × 512/,
    },
    'fewer bytes than its shape has': {
      fault: {
        kind: 'answer',
        change: ({ id }, bytes) => answer({ id, shape: [2, 512], size: 2048 }, bytes.subarray(0, 2048)),
      },
      message: /shape 2 × 512 and 512 values/,
    },
    'fewer bytes than it says': {
      fault: {
        kind: 'answer',
        change: ({ id }, bytes) => answer({ id, shape: [2, 512], size: 4096 }, bytes.subarray(0, 100)),
      },
      message: /should have 4096 bytes and has 100/,
    },
    'numbers that are none': {
      fault: {
        kind: 'answer',
        change: ({ id }, bytes) =>
          answer({ id, shape: [2, 512], size: bytes.length }, Buffer.alloc(bytes.length, 0xff)),
      },
      message: /norm NaN/,
    },
    'the answer to another request': {
      fault: {
        kind: 'answer',
        change: (_, bytes) => answer({ id: 'other', shape: [2, 512], size: bytes.length }, bytes),
      },
      message: /request "other"/,
    },
    'no JSON': { fault: { kind: 'answer', change: () => Buffer.from('<html>}]}') }, message: /no JSON/ },
    'a refusal': { fault: { kind: 'status', status: 400 }, message: /answered 400: a fault of the test/ },
  };
  for (const [name, { fault, message }] of Object.entries(broken)) {
    test(`that gives ${name} is refused`, async () => {
      const one = await server();
      one.fault = () => fault;
      await assert.rejects(encoderOf([one.url]).encode(clips(2)), message);
    });
  }

  test('accepts integers, and batches of any size', async () => {
    const one = await server({ models: { text: textModel({ vocabulary: 8, width: 4 }) } });
    const client = new InferenceClient({
      urls: [one.url],
      inFlight: 1,
      timeoutMs: 5000,
      patienceMs: 0,
      healthPath: HEALTH_PATH,
    });
    const model = new InferenceServerModel({ client, model: 'text', version: '1', batch: 2, inFlight: 1 });
    cleanup.push({ [Symbol.asyncDispose]: () => model.close() });
    const int64 = (...values: bigint[]) => ({ type: 'int64', dims: [2, 3], data: BigInt64Array.from(values) }) as const;
    const inputs = { input_ids: int64(1n, 2n, 3n, 4n, 5n, 0n), attention_mask: int64(1n, 1n, 1n, 1n, 1n, 0n) };
    const { dims, data } = await model.run({ ...inputs, token_type_ids: int64(0n) }, 'last_hidden_state');
    assert.deepEqual(dims, [2, 3, 4]);
    assert.equal(data.length, 24);
    const narrow = { type: 'int32', dims: [2, 3], data: Int32Array.of(1, 2, 3, 4, 5, 0) } as const;
    assert.deepEqual((await model.run({ ...inputs, input_ids: narrow }, '*')).data, data);
    const wrong = { type: 'float32', dims: [2, 3], data: new Float32Array(6) } as const;
    const running = model.run({ ...inputs, input_ids: wrong }, 'last_hidden_state');
    await assert.rejects(running, /input "input_ids" of the model is INT64, where the bundle gives FP32 or FP16/);
  });

  test('whose model does not match the bundle fails the check at the start', async () => {
    const one = await server({ models: { vision: VISION, text: textModel({ vocabulary: 8 }) } });
    await assert.rejects(encoderOf([one.url], { model: 'nobody' }).encode(clips(1)), (error: Error) => {
      assert.ok(error instanceof InferenceServerRefusal);
      assert.match(error.message, /404.*unknown model.*nobody/);
      return true;
    });
    const faults: [EncoderOptions, RegExp][] = [
      [{ output: 'nothing' }, /model vision .*no output "nothing", but image_embeds/],
      [{ model: 'text' }, /model text .*wants an input "input_ids"; the bundle has pixel_values/],
    ];
    for (const [options, message] of faults) {
      await assert.rejects(encoderOf([one.url], options).encode(clips(1)), (error: Error) => {
        assert.ok(error instanceof ProtocolFault);
        assert.match(error.message, message);
        return true;
      });
    }
    const other = await server({ models: { vision: visionModel({ ...TINY_VIT, image: 64 }) } });
    await assert.rejects(
      encoderOf([other.url]).encode(clips(1)),
      /shape any × 3 × 64 × 64, the bundle's 1 × 3 × 32 × 32/,
    );
  });
});

function answer({ id, shape, size }: { id: string | undefined; shape: number[]; size: number }, bytes: Buffer): Buffer {
  const outputs = [{ name: 'image_embeds', datatype: 'FP32', shape, parameters: { binary_data_size: size } }];
  return Buffer.concat([Buffer.from(JSON.stringify({ id, outputs })), bytes]);
}
