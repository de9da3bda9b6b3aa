/**
 * Writes a bundle of small models with random weights to try a server: `node test/support/onnx/write.ts FOLDER`,
 * then `REELVEC_BUNDLE=FOLDER/tiny.json npm start`. The tests use the same models.
 */
import { mkdirSync } from 'node:fs';
import { bundleFixture, writeBundle } from '../model-bundle.ts';

const folder = process.argv[2];
if (folder === undefined) throw new Error('Give a folder.');
mkdirSync(folder, { recursive: true });
console.log(await writeBundle(folder, bundleFixture()));
