import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTransientQueryError } from './unavailable.ts';

const coded = (facts: object) => Object.assign(new Error('This socket has been ended by the other party'), facts);

test('EPIPE of a query is transient, and the same error elsewhere is not', () => {
  assert.equal(isTransientQueryError(coded({ code: 'EPIPE', query: 'select 1' })), true);
  assert.equal(isTransientQueryError(coded({ code: 'EPIPE' })), false);
  assert.equal(isTransientQueryError(coded({ code: 'ERR_INVALID_ARG_TYPE', query: 'select 1' })), false);
});
