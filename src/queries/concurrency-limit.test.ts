import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConcurrencyLimit } from './concurrency-limit.ts';

test('requests up to the limit are admitted; one more is rejected with Retry-After', () => {
  const limit = new ConcurrencyLimit({ max: 2, retryAfterSec: 3, subject: 'Queries' });
  const first = limit.acquire();
  limit.acquire();
  assert.throws(() => limit.acquire(), {
    code: 'too_many_requests',
    status: 429,
    retryAfterSec: 3,
    message: /Queries.*2.*Nothing was done\. Try again in 3 s/,
  });
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  limit.acquire();
  assert.throws(() => limit.acquire());
});
