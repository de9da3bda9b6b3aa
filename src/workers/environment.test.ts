import assert from 'node:assert/strict';
import { test } from 'node:test';
import { childEnvironment, childFlags } from './environment.ts';

test('a child gets the variables of its libraries, and no other', () => {
  const needed = { PATH: '/bin', HOME: '/root', LC_ALL: 'C', LD_LIBRARY_PATH: '/cuda', CUDA_VISIBLE_DEVICES: '1' };
  const secret = {
    REELVEC_API_KEYS: 'k',
    AWS_SECRET_ACCESS_KEY: 'k',
    HF_TOKEN: 'k',
    NVIDIA_API_KEY: 'k',
    HTTPS_PROXY: 'http://user:k@proxy',
    NODE_OPTIONS: '--import=./reads-secrets.js',
    NEW_SECRET_OF_TOMORROW: 'k',
  };
  assert.deepEqual(childEnvironment({ ...needed, ...secret, NODE_EXTRA_CA_CERTS: '/ca.pem' }), needed);
});

test('a child that uses the network gets the variables of trusted certificates', () => {
  const trust = { NODE_EXTRA_CA_CERTS: '/ca.pem' };
  assert.deepEqual(childEnvironment({ ...trust, HTTPS_PROXY: 'http://proxy' }, { usesNetwork: true }), trust);
});

test('a child inherits the flags of Node, except those that load variables from a file', () => {
  const kept = ['--disable-warning=ExperimentalWarning', '--import', 'file:///strip-types.js'];
  assert.deepEqual(childFlags([...kept, '--env-file', '.env', '--env-file-if-exists=more.env']), kept);
});
