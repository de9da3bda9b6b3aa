import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandLine } from './npm-script.ts';

test('a command line has the form that works where the process was started', () => {
  const own = join(import.meta.dirname, '../../package.json');
  assert.equal(commandLine('models use clip', { npm_package_json: own }), 'npm run -s reelvec -- models use clip');
  assert.equal(commandLine('models use clip', { npm_package_json: '/other/package.json' }), 'reelvec models use clip');
  assert.equal(commandLine('models use clip', {}), 'reelvec models use clip');
});
