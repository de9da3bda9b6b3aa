import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptedFormat } from './result-format.ts';

test('the format that is liked best is chosen, JSON where none is named', () => {
  assert.equal(acceptedFormat(undefined), 'json');
  assert.equal(acceptedFormat('*/*'), 'json');
  assert.equal(acceptedFormat('text/html'), 'json');
  assert.equal(acceptedFormat('application/x-ndjson'), 'ndjson');
  assert.equal(acceptedFormat('application/vnd.apache.arrow.file, */*;q=0.1'), 'arrow');
  assert.equal(acceptedFormat('application/json;q=0.5, Application/Vnd.Apache.Parquet'), 'parquet');
  assert.equal(acceptedFormat('application/parquet;q=0, application/json'), 'json');
});
