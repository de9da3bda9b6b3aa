import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import type { S3Client } from '@aws-sdk/client-s3';
import { readObject } from './read.ts';

test('an unreachable store fails with the error of the socket, after retries', async () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' });
  let attempts = 0;
  const send = async () => {
    attempts++;
    throw refused;
  };
  const client = { send } as unknown as S3Client;
  await assert.rejects(buffer(readObject(client, { bucket: 'b', name: 'n', key: 'k' })), refused);
  assert.equal(attempts, 4);
});
