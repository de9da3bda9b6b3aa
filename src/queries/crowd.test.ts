import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Crowd } from './crowd.ts';

test('as many as there is room for come in; one more is told when to come again', () => {
  const crowd = new Crowd({ max: 2, retryAfterSec: 3, what: 'Queries' });
  const first = crowd.enter();
  crowd.enter();
  assert.throws(() => crowd.enter(), {
    code: 'too_many_requests',
    status: 429,
    retryAfterSec: 3,
    message: /Queries.*2.*Nothing was done\. Try again in 3 s/,
  });
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  crowd.enter();
  assert.throws(() => crowd.enter());
});
