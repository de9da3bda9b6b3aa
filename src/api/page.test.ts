import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { describePage, pageBounds, pageQuery } from './page.ts';

const query = z.strictObject(pageQuery);

test('pages count from 1, with ten items unless asked for otherwise', () => {
  assert.deepEqual(query.parse({}), { page: 1, page_limit: 10 });
  assert.deepEqual(pageBounds({ page: 1, page_limit: 10 }), { limit: 10, offset: 0 });
  assert.deepEqual(pageBounds({ page: 3, page_limit: 7 }), { limit: 7, offset: 14 });
  assert.deepEqual(describePage({ page: 3, page_limit: 7 }, 15), {
    limit_per_page: 7,
    page: 3,
    total_page: 3,
    total_results: 15,
  });
  assert.equal(describePage({ page: 1, page_limit: 7 }, 14).total_page, 2);
  assert.equal(describePage({ page: 1, page_limit: 7 }, 0).total_page, 0);
});

test('a page has at most 50 items, and its number is a whole one that every database can count to', () => {
  for (const accepted of [{ page_limit: '50' }, { page_limit: '1' }, { page: '1' }, { page: '1000000000' }])
    query.parse(accepted);
  for (const refused of [
    { page_limit: '51' },
    { page_limit: '0' },
    { page: '0' },
    { page: '1.5' },
    { page_limit: '1.5' },
    { page: '1000000001' },
  ]) {
    assert.equal(query.safeParse(refused).success, false, JSON.stringify(refused));
  }
});
