import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './server.ts';

/**
 * Copies a version of the code and adds one allowed migration, to test an upgrade.
 * @param of root of the current version
 * @param folder target folder
 * @returns root of the next version
 */
export function nextVersion(folder: string, of = ROOT): string {
  const root = mkdtempSync(join(folder, 'next-version-'));
  for (const name of ['src', 'package.json']) cpSync(join(of, name), join(root, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const list = join(root, 'src/database/migrations.ts');
  const before = readFileSync(list, 'utf8');
  const last = /'(\d{4})_\w+': \w+,\n\};\n$/.exec(before)?.[1];
  assert.ok(last, 'the list of migrations ends as it is known to');
  const number = String(Number(last) + 1).padStart(4, '0');
  const name = `${number}_next`;
  writeFileSync(
    join(root, `src/database/migrations/${name}.ts`),
    `import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const tables = (await db.introspection.getTables()).filter(({ schema }) => schema !== 'openworkflow');
  for (const { name: table } of tables) {
    await db.schema.alterTable(table).addColumn('next_${number}', 'text', (c) => c.notNull().defaultTo('')).execute();
    await db.schema.createIndex(table + '_next_${number}').on(table).column('next_${number}').execute();
  }
}
`,
  );
  const after = before
    .replace(/^export const/m, `import * as next${number} from './migrations/${name}.ts';\n\nexport const`)
    .replace(/\};\n$/, `  '${name}': next${number},\n};\n`);
  writeFileSync(list, after);
  return root;
}
