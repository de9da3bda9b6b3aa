import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { isReelvecError } from '../errors.ts';
import { validate, validateWithNulls } from './validation.ts';

type Outcome = { value?: unknown; error?: unknown };

function run(schema: z.ZodType, data: unknown, { compile = validate, httpPart = 'body' } = {}) {
  return (compile({ schema, httpPart } as never) as (data: unknown) => Outcome)(data);
}

/** Code, message and details of the refusal. */
function refusal(schema: z.ZodType, data: unknown, options?: Parameters<typeof run>[2]) {
  const { error } = run(schema, data, options);
  assert.ok(isReelvecError(error), JSON.stringify(data));
  return [error.code, error.message, error.details] as const;
}

const film = z.strictObject({
  name: z.string().min(1).max(5).optional(),
  size: z.int().min(1).max(9).optional(),
  kind: z.enum(['a', 'b']).optional(),
  more: z.number().gt(0).optional(),
  tags: z.array(z.string()).min(1).optional(),
  at: z.iso.datetime().optional(),
  facts: z.record(z.string(), z.number()).optional(),
  wide: z.boolean().optional(),
  day: z.iso.date().optional(),
  either: z.union([z.string(), z.number()]).optional(),
});

test('valid data passes, and null means absent', () => {
  assert.deepEqual(run(film, { name: 'x', size: null, tags: ['y'] }), { value: { name: 'x', tags: ['y'] } });
  assert.deepEqual(run(z.object({ deep: film }), { deep: { name: null } }), { value: { deep: {} } });
  assert.equal((run(film, { name: null }, { compile: validateWithNulls }) as Outcome).value, undefined);
  const nested = (depth: number): unknown => (depth === 0 ? { end: null } : { in: nested(depth - 1) });
  const end = (value: unknown): unknown =>
    value && typeof value === 'object' && 'in' in value ? end(value.in) : value;
  assert.deepEqual(end((run(z.any(), nested(12)) as Outcome).value), {});
  assert.deepEqual(end((run(z.any(), nested(13)) as Outcome).value), { end: null });
});

test('a refusal names the field, the rule and the value', () => {
  const cases: [unknown, string, string, object | undefined][] = [
    [{ name: 7 }, 'parameter_invalid', 'name must be a string: got 7.', { field: 'name', value: 7 }],
    [{ name: '' }, 'parameter_invalid', 'name must not be empty.', { field: 'name', value: '' }],
    [
      { name: 'xxxxxx' },
      'parameter_invalid',
      'name must be at most 5 characters long.',
      { field: 'name', value: 'xxxxxx' },
    ],
    [{ size: 0 }, 'parameter_invalid', 'size must be at least 1: got 0.', { field: 'size', value: 0 }],
    [{ size: 10 }, 'parameter_invalid', 'size must be at most 9: got 10.', { field: 'size', value: 10 }],
    [{ size: true }, 'parameter_invalid', 'size must be a number: got true.', { field: 'size', value: true }],
    [{ more: 0 }, 'parameter_invalid', 'more must be more than 0: got 0.', { field: 'more', value: 0 }],
    [
      { kind: 'c' },
      'parameter_invalid',
      'kind must be "a" or "b": got "c".',
      { field: 'kind', value: 'c', allowed: ['a', 'b'] },
    ],
    [{ tags: [] }, 'parameter_invalid', 'tags must not be empty.', { field: 'tags' }],
    [{ tags: {} }, 'parameter_invalid', 'tags must be a list: got an object.', { field: 'tags' }],
    [{ name: [1, 'x'] }, 'parameter_invalid', 'name must be a string: got [1,"x"].', { field: 'name' }],
    [{ size: Array(9).fill(1) }, 'parameter_invalid', 'size must be a number: got a list.', { field: 'size' }],
    [
      { size: Array(8).fill(1) },
      'parameter_invalid',
      'size must be a number: got [1,1,1,1,1,1,1,1].',
      { field: 'size' },
    ],
    [{ name: [{}] }, 'parameter_invalid', 'name must be a string: got a list.', { field: 'name' }],
    [{ name: ['x', {}] }, 'parameter_invalid', 'name must be a string: got a list.', { field: 'name' }],
    [{ name: [true, 1] }, 'parameter_invalid', 'name must be a string: got [true,1].', { field: 'name' }],
    [{ name: {} }, 'parameter_invalid', 'name must be a string: got an object.', { field: 'name' }],
    [{ name: false }, 'parameter_invalid', 'name must be a string: got false.', { field: 'name', value: false }],
    [{ tags: [null] }, 'parameter_invalid', 'tags.0 must be a string: got null.', { field: 'tags.0' }],
    [{ facts: [] }, 'parameter_invalid', 'facts must be an object: got [].', { field: 'facts' }],
    [{ size: 1.5 }, 'parameter_invalid', 'size must be a whole number: got 1.5.', { field: 'size', value: 1.5 }],
    [{ wide: 1 }, 'parameter_invalid', 'wide must be true or false: got 1.', { field: 'wide', value: 1 }],
    [{ day: 'x' }, 'parameter_invalid', 'day must be date: got "x".', { field: 'day', value: 'x' }],
    [{ either: [] }, 'parameter_invalid', 'either is not valid: got [].', { field: 'either' }],
    ['x', 'parameter_invalid', 'The body must be an object: got "x".', { value: 'x' }],
    [
      { at: 'today' },
      'parameter_invalid',
      'at must be a time as in 2025-03-01T12:00:00Z: got "today".',
      { field: 'at', value: 'today' },
    ],
    [[], 'parameter_invalid', 'The body must be an object: got [].', undefined],
    [undefined, 'parameter_not_provided', 'The body is required: an object.', undefined],
  ];
  for (const [data, ...expected] of cases) assert.deepEqual(refusal(film, data), expected, JSON.stringify(data));
});

test('what is required and absent is not provided; what is unknown is named with what is known', () => {
  const schema = z.strictObject({ name: z.string(), kind: z.literal('a') });
  assert.deepEqual(refusal(schema, { kind: 'a' }), [
    'parameter_not_provided',
    'name is required: a string.',
    { field: 'name' },
  ]);
  assert.deepEqual(refusal(schema, { name: 'x' }), [
    'parameter_not_provided',
    'kind is required: "a".',
    { field: 'kind', allowed: ['a'] },
  ]);
  const [code, message, details] = refusal(schema, { name: 'x', kind: 'a', ['y'.repeat(90)]: 1 });
  assert.equal(code, 'parameter_unknown');
  assert.equal(message, `${'y'.repeat(80)} is not a parameter of this request. Known here: name, kind.`);
  assert.equal(details?.['field'], 'y'.repeat(80));
  assert.match(refusal(z.strictObject({}), { x: 1 })[1], /Known here: none\.$/);
});

test('at most three faults are told, and long values are cut', () => {
  const schema = z.strictObject(Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, z.number()])));
  const [, message] = refusal(schema, { a: 'x', b: 'x', c: 'x', d: 'x' });
  assert.deepEqual(message.match(/\w must be/g), ['a must be', 'b must be', 'c must be']);
  const long = refusal(z.strictObject({ a: z.number() }), { a: 'x'.repeat(101) });
  assert.equal(long[1], `a must be a number: got "${'x'.repeat(40)}"… (101 characters).`);
  assert.deepEqual(long[2], { field: 'a' });
  assert.match(refusal(z.strictObject({ a: z.number() }), { a: 'x'.repeat(100) })[1], /got "x{100}"\.$/);
});

test('a field has one fault, the most specific one', () => {
  assert.equal(refusal(film, { size: 1e300 })[1], 'size must be at most 9: got 1e+300.');
  assert.equal(refusal(film, { size: -1e300 })[1], 'size must be at least 1: got -1e+300.');
  const whole = z.strictObject({ bytes: z.int().min(1) });
  assert.match(refusal(whole, { bytes: 1e300 })[1], /^bytes must be at most 9007199254740991: got 1e\+300\.$/);
  const both = refusal(film, { size: 1e300, name: 7 });
  assert.equal(both[1], 'name must be a string: got 7. size must be at most 9: got 1e+300.');
  assert.deepEqual(both[2], { field: 'name', value: 7 });
});

test('every unknown parameter is named, also beside other faults', () => {
  const schema = z.strictObject({ a: z.string() });
  assert.deepEqual(refusal(schema, { a: 'x', b: 1, c: 1 }), [
    'parameter_unknown',
    'b is not a parameter of this request. Known here: a. c is not a parameter of this request. Known here: a.',
    { field: 'b' },
  ]);
  assert.equal(
    refusal(z.strictObject({ in: schema }), { in: { a: 1, b: 1 } })[1],
    'in.a must be a string: got 1. in.b is not a parameter of this request. Known here: a.',
  );
});

test('a fault without a field is that of the part of the request', () => {
  assert.match(refusal(film, 1, { httpPart: 'querystring' })[1], /^The querystring must be an object/);
  const none = z.strictObject({}).refine(() => false, 'is of no use.');
  assert.deepEqual(refusal(none, {}), ['parameter_invalid', 'The body is of no use.', undefined]);
});

test('a number that is none is shown as the text that was sent', () => {
  const schema = z.strictObject({ page: z.coerce.number() });
  assert.deepEqual(refusal(schema, { page: 'two' }, { httpPart: 'querystring' }), [
    'parameter_invalid',
    'page must be a number: got "two".',
    { field: 'page', value: 'two' },
  ]);
});

test('a rule of our own may have a code of its own', () => {
  const schema = z.strictObject({ a: z.string() }).refine(() => false, {
    path: ['a'],
    params: { code: 'conflict' },
  });
  const [code, , details] = refusal(schema, { a: 'x' });
  assert.equal(code, 'conflict');
  assert.deepEqual(details, { field: 'a', value: 'x' });
});
