#!/usr/bin/env node
// Starts the command line with a Node that runs TypeScript as it is: this one, if it is new enough, else the one that
// npm installed beside reelvec. Plain JavaScript that an old Node can read.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const NEEDED_MAJOR = 24;
const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
// Node strips types of no file below node_modules, where an installed reelvec lies: then a hook does it, by a function
// whose warning that it may change is nothing for whoever runs reelvec.
const isInstalled = /[\\/]node_modules[\\/]/.test(cli);
const hook = new URL('./strip-types.js', import.meta.url).href;
const stripping = isInstalled ? ['--disable-warning=ExperimentalWarning', '--import', hook] : [];
// V8 would let its young generation outgrow all that lives in a server, and then, as it keeps room for all of it to grow
// old at once, go through its whole heap again and again while a large result is sent.
const YOUNG = '--max-semi-space-size=4';

const child = spawn(findNode(), [YOUNG, ...stripping, cli, ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 128);
});

function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) return process.execPath;
  const require = createRequire(import.meta.url);
  const { platform, arch } = process;
  for (const name of [`node-${platform}-${arch}`, `node-bin-${platform}-${arch}`]) {
    try {
      return require.resolve(`${name}/bin/node`);
    } catch {
      // not this name, or not installed
    }
  }
  console.error(`reelvec needs Node ${NEEDED_MAJOR} or newer; this is ${process.version}.`);
  process.exit(1);
}
