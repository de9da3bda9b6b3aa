import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const CLI = join(import.meta.dirname, 'cli.ts');
const folder = mkdtempSync(join(tmpdir(), 'reelvec-code-cache-'));
after(() => rmSync(folder, { recursive: true }));

function help(env: Record<string, string>): string {
  const { NODE_COMPILE_CACHE: _, ...inherited } = process.env;
  return execFileSync(process.execPath, [CLI, 'shots', '--help'], {
    encoding: 'utf8',
    env: { ...inherited, HOME: folder, XDG_CACHE_HOME: '', ...env },
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
}

test('compiled code is kept in the cache folder of the user', { skip: process.platform !== 'linux' }, () => {
  help({ XDG_CACHE_HOME: join(folder, 'xdg') });
  assert.ok(readdirSync(join(folder, 'xdg/reelvec/code')).length > 0);
  assert.ok(!existsSync(join(folder, '.cache')));
  help({ XDG_CACHE_HOME: 'relative' });
  assert.ok(readdirSync(join(folder, '.cache/reelvec/code')).length > 0);
});

test('an unwritable or disabled cache keeps nothing and breaks nothing', () => {
  const closed = join(folder, 'closed');
  assert.match(help({ XDG_CACHE_HOME: '/dev/null/no' }), /^Finds the shots of a video/);
  assert.match(help({ XDG_CACHE_HOME: '/proc/nope' }), /^Finds the shots of a video/);
  assert.match(help({ XDG_CACHE_HOME: closed, NODE_DISABLE_COMPILE_CACHE: '1' }), /^Finds the shots of a video/);
  assert.ok(!existsSync(closed));
});
