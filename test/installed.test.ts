import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { reelvec } from './support/command.ts';
import { makeMedia } from './support/make-media.ts';

const ROOT = join(import.meta.dirname, '..');
const OLD_NODE = oldNode();
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

describe('bin/reelvec.js', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-installed-'));
  const installed = join(folder, 'node_modules/reelvec');
  const bin = join(folder, 'node_modules/.bin/reelvec');
  let film: string;
  before(() => {
    film = makeMedia(join(folder, 'film.mp4'), { video: 'testsrc=size=640x360:rate=5:duration=5' });
    // The published files, and nothing else of the clone.
    const env = { PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`, HOME: folder };
    execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: ROOT, env });
    mkdirSync(installed, { recursive: true });
    execFileSync('tar', ['-xzf', join(folder, `reelvec-${version}.tgz`), '-C', installed, '--strip-components=1']);
    symlinkSync(join(ROOT, 'node_modules'), join(installed, 'node_modules'));
    mkdirSync(join(bin, '..'));
    symlinkSync('../reelvec/bin/reelvec.js', bin);
  });
  after(() => rmSync(folder, { recursive: true }));

  const embeds = async (program: [string, ...string[]]) => {
    const how = ['embed', film, '--option', 'visual', '--scope', 'asset'];
    const { code, stdout, stderr } = await reelvec(how, { program });
    assert.equal(stderr, '', 'no warnings of the runtime');
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout.toString()).data.length, 1);
    const wrong = await reelvec(['embed', join(folder, 'missing.mp4')], { program });
    assert.equal(wrong.code, 1, 'the exit code is passed on');
  };

  test('works from node_modules through the link in .bin, including its media workers', () =>
    embeds([process.execPath, bin]));

  test(
    'started by an old Node in a checkout, it continues with the one that npm installed',
    {
      skip: OLD_NODE === undefined && 'there is no old Node here',
    },
    () => embeds([OLD_NODE!, join(ROOT, 'bin/reelvec.js')]),
  );

  test(
    'started by an old Node as an installed package, it does the same',
    {
      skip: OLD_NODE === undefined && 'there is no old Node here',
    },
    () => embeds([OLD_NODE!, bin]),
  );
});

test('packages with install scripts are optional: npm installs the rest without a network', () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const required = Object.entries<{ hasInstallScript?: true; optional?: true; dev?: true }>(packages)
    .filter(([, { hasInstallScript, optional, dev }]) => hasInstallScript && !optional && !dev)
    .map(([path]) => path);
  // Its scripts search for the ffmpeg command, which reelvec does not use, and succeed without a network.
  assert.deepEqual(required, ['node_modules/node-av']);
});

/** A Node on the PATH that reads modules but does not run TypeScript as it is. */
function oldNode(): string | undefined {
  const found = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'node'));
  return found.find((node) => {
    try {
      accessSync(node, constants.X_OK);
      const major = Number(/^v(\d+)/.exec(execFileSync(node, ['--version'], { encoding: 'utf8' }))?.[1]);
      return major >= 18 && major < 24;
    } catch {
      return false;
    }
  });
}
