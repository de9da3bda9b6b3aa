import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FastifyReply } from 'fastify';
import { baseUrl } from './base-url.ts';
import { setRateLimits } from './rate-limits.ts';

function headersOf(...limits: Parameters<typeof setRateLimits>[1][number][]): Record<string, unknown> {
  const headers: Record<string, unknown> = {};
  const reply = { header: (name: string, value: unknown) => Object.assign(headers, { [name]: value }) };
  setRateLimits(reply as unknown as FastifyReply, limits);
  return headers;
}

test('limits are whole numbers that never promise more than there is', () => {
  const duration = { dimension: 'Duration', limit: 60.7, used: 12.2, resetAt: 1_700_000_000_900 };
  assert.deepEqual(headersOf(duration as never, { dimension: 'Task', limit: 2, used: 3 } as never), {
    'x-ratelimit-dimensions': 'Duration,Task',
    'x-ratelimit-duration-limit': 60,
    'x-ratelimit-duration-used': 13,
    'x-ratelimit-duration-remaining': 48,
    'x-ratelimit-duration-reset': 1_700_000_000,
    'x-ratelimit-task-limit': 2,
    'x-ratelimit-task-used': 3,
    'x-ratelimit-task-remaining': 0,
  });
});

test('a key without limits gets no headers', () => {
  assert.deepEqual(headersOf(), {});
});

test('links start with the public URL, or else with that of the request', () => {
  const request = { protocol: 'http', host: 'localhost:1212' } as never;
  assert.equal(baseUrl(request, 'https://media.example.com/reelvec//'), 'https://media.example.com/reelvec');
  assert.equal(baseUrl(request, undefined), 'http://localhost:1212');
});
