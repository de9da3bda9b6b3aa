#!/usr/bin/env node
// Removes from an installation what this machine never loads: binaries for other systems, C headers, and the WebRTC
// packages that node-av names for streams that reelvec does not read. Halves the production install.
//   npm ci --omit=dev && node scripts/slim-install.js [FOLDER WITH node_modules] [--no-node]
// --no-node removes the Node that comes as a package too, where the system's is 24 or newer, as in deploy/Dockerfile.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({ options: { 'no-node': { type: 'boolean' } }, allowPositionals: true });
const modules = join(positionals[0] ?? '.', 'node_modules');
if (!existsSync(modules)) {
  console.error(`There is no ${modules}: run npm ci --omit=dev first.`);
  process.exit(1);
}

const { platform, arch } = process;
const foreign = [
  // bin/napi-vN/PLATFORM/ARCH
  ...paths('onnxruntime-node/bin').flatMap((version) => [
    ...paths(version).filter((path) => !path.endsWith(`/${platform}`)),
    ...paths(join(version, platform)).filter((path) => !path.endsWith(`/${arch}`)),
  ]),
  ...entries('.')
    .filter((name) => /^node-(bin-)?(linux|darwin|win)-/.test(name))
    .flatMap((name) => (values['no-node'] ? [name] : [join(name, 'include'), join(name, 'share')])),
  ...entries('.').filter((name) => /^(werift(-.*)?|mediabunny|mp4box)$/.test(name)),
];
for (const path of foreign) rmSync(join(modules, path), { recursive: true, force: true });
console.log(`Removed ${foreign.length} folders that ${platform}-${arch} does not use from ${modules}.`);

/** Names in a folder of node_modules; none if it is not there. */
function entries(path) {
  const folder = join(modules, path);
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** The same, each with the folder. */
function paths(folder) {
  return entries(folder).map((name) => join(folder, name));
}
