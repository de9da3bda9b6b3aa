import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { serializeLeniently, validParts } from './serialize.ts';

const picture = z.object({ width: z.number(), height: z.number() });
const item = z.object({ id: z.string(), picture: picture.optional(), tags: z.array(z.string()).optional() });
const list = z.object({ data: z.array(item), total: z.number().optional() });

test('valid data is left as it is', () => {
  const data = { data: [{ id: 'a', picture: { width: 1, height: 2 }, tags: ['x'] }], total: 1 };
  assert.deepEqual(validParts(list, data), { valid: data, omitted: [] });
});

test('an invalid optional value is omitted, and the rest stays', () => {
  const data = { data: [{ id: 'a', tags: ['x'] }], total: 'many' };
  assert.deepEqual(validParts(list, data), { valid: { data: data.data }, omitted: ['total'] });
  assert.equal(data.total, 'many', 'the data itself is not changed');
});

test('an object that lacks a required value is omitted with it', () => {
  const data = { data: [{ id: 'a', picture: { width: Number.NaN, height: 2 } }] };
  const { valid, omitted } = validParts(list, data);
  assert.deepEqual(valid, { data: [{ id: 'a' }] });
  assert.deepEqual(omitted, ['data.0.picture.width', 'data.0.picture']);
});

test('invalid items of a list are omitted, and the others keep their order', () => {
  const data = { data: [{ id: 'a', tags: ['x', 1, 'y', true, 'z'] }] };
  const { valid, omitted } = validParts(list, data);
  assert.deepEqual(valid, { data: [{ id: 'a', tags: ['x', 'y', 'z'] }] });
  assert.deepEqual(omitted, ['data.0.tags.1', 'data.0.tags.3']);
});

test('null is omitted like any other invalid value, in a field and in a list, because the SDKs refuse it', () => {
  const data = {
    data: [
      { id: 'a', tags: ['x', null, 'y'] },
      { id: 'b', tags: null, picture: null },
    ],
    total: null,
  };
  const { valid, omitted } = validParts(list, data);
  assert.deepEqual(valid, { data: [{ id: 'a', tags: ['x', 'y'] }, { id: 'b' }] });
  assert.deepEqual(omitted, ['data.0.tags.1', 'data.1.picture', 'data.1.tags', 'total']);
});

test('an item of another shape is never removed, because its absence would hide it', () => {
  const { valid, omitted } = validParts(list, { data: [{ id: 'a' }, [], { id: 'b' }] });
  assert.deepEqual(valid, { data: [{ id: 'a' }, [], { id: 'b' }] });
  assert.deepEqual(omitted, []);
});

test('a response of another shape is sent as it is', () => {
  assert.deepEqual(validParts(list, 'no object'), { valid: 'no object', omitted: [] });
  assert.deepEqual(validParts(list, { total: 1 }), { valid: { total: 1 }, omitted: [] });
});

test('an item that lacks a required value stays without it, because its absence would hide it', () => {
  const data = { data: [{ id: 'a' }, { id: 7 }] };
  const { valid, omitted } = validParts(list, data);
  assert.deepEqual(valid, { data: [{ id: 'a' }, {}] });
  assert.deepEqual(omitted, ['data.1.id']);
});

test('a response with invalid values is sent without them, and the log names them', () => {
  const lines: unknown[][] = [];
  const log = { warn: (...line: unknown[]) => lines.push(line) } as never;
  const serialize = serializeLeniently(log)({ schema: list, method: 'GET', url: '/tasks' } as never);
  assert.equal(serialize({ data: [], total: 1 }), '{"data":[],"total":1}');
  assert.deepEqual(lines, []);
  assert.equal(serialize({ data: [], total: 'many' }), '{"data":[]}');
  assert.deepEqual(lines, [[{ method: 'GET', route: '/tasks', omitted: ['total'] }, 'invalid values omitted']]);
});
