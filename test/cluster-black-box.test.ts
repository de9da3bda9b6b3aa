import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { blackBox } from './support/black-box.ts';
import { madeMaterial } from './support/made-material.ts';
import { NO_POSTGRES, sharedState } from './support/shared-state.ts';

const folder = mkdtempSync(join(tmpdir(), 'reelvec-cluster-'));
const stack = new AsyncDisposableStack();
after(async () => {
  await stack.disposeAsync();
  rmSync(folder, { recursive: true });
});

blackBox('media made on the spot, on PostgreSQL and S3', () => madeMaterial(folder), {
  settings: async () => ({ ...stack.use(await sharedState()).env }),
  skip: NO_POSTGRES,
});
