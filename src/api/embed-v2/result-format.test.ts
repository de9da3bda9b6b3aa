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

test('other names of a format are understood, and any type means JSON', () => {
  for (const [type, format] of [
    ['application/ndjson', 'ndjson'],
    ['application/jsonl', 'ndjson'],
    ['application/vnd.apache.arrow', 'arrow'],
    ['application/vnd.apache.parquet', 'parquet'],
    ['application/parquet', 'parquet'],
    ['application/*, application/parquet;q=0.9', 'json'],
    ['*/*, application/parquet;q=0.9', 'json'],
    ['application/json, application/parquet', 'json'],
    ['application/parquet, application/json', 'parquet'],
    ['text/*, application/parquet;q=0.1', 'parquet'],
  ] as const) {
    assert.equal(acceptedFormat(type), format, type);
  }
});

test('a weight may have any place, and one that is no number counts as zero', () => {
  assert.equal(acceptedFormat('application/parquet;version=1;q=0.2, application/jsonl; q=0.3'), 'ndjson');
  assert.equal(acceptedFormat('application/parquet;q=x, application/jsonl;q=0.1'), 'ndjson');
  assert.equal(acceptedFormat('application/parquet;Q=0.1, application/jsonl;q=0.2'), 'ndjson');
  assert.equal(acceptedFormat(''), 'json');
});
