import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { blackBox } from './support/black-box.ts';
import { madeMaterial } from './support/made-material.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-made-'));
after(() => rmSync(folder, { recursive: true }));

blackBox('media made on the spot', () => madeMaterial(folder));
