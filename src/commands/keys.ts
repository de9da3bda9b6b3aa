import { join } from 'node:path';
import { openDatabase } from '../store/database.ts';
import { KeyRepository } from '../store/keys.ts';
import { CommandError, readArguments, UsageError } from './arguments.ts';

export const help = `Manages API keys; a running server knows of changes at once.

Usage: reelvec keys create [--name NAME]
       reelvec keys list
       reelvec keys revoke ID

Options:
  --name NAME      what the key is for
  --data-dir PATH  data folder of the server (REELVEC_DATA_DIR)
  --database-url   database of several servers, instead (REELVEC_DATABASE_URL)

A key is shown once, when it is made; only its hash is kept. It sees only its own tasks and assets.

Examples:
  reelvec keys create --name laptop
  reelvec keys revoke 019a5c0d7f3e8b1c2d4e5f60
`;

export async function run(args: string[]): Promise<void> {
  const { values, positionals, config } = readArguments(args, { name: { type: 'string' } });
  const [action, id, ...rest] = positionals;
  const fits = action === 'revoke' ? id !== undefined && rest.length === 0 : id === undefined;
  if (!['create', 'list', 'revoke'].includes(action ?? '') || !fits) throw new UsageError('See reelvec keys --help.');
  const db = await openDatabase(config.databaseUrl ?? join(config.dataDir, 'reelvec.db'));
  try {
    const keys = new KeyRepository(db);
    if (action === 'create') await create(keys, values.name ?? 'unnamed');
    else if (action === 'list') await list(keys);
    else await revoke(keys, id!);
  } finally {
    await db.destroy();
  }
}

async function create(keys: KeyRepository, name: string): Promise<void> {
  const { id, key } = await keys.create(name);
  console.log(`${key}\n\nKey ${id} (${name}). It is not kept: note it down now.`);
}

async function list(keys: KeyRepository): Promise<void> {
  for (const { id, name, prefix, createdAt, revokedAt } of await keys.list()) {
    console.log(`${id}  ${prefix}…  ${createdAt}  ${revokedAt ? `revoked ${revokedAt}` : 'active'}  ${name}`);
  }
}

async function revoke(keys: KeyRepository, id: string): Promise<void> {
  if (!(await keys.revoke(id))) throw new CommandError(`There is no active key ${id}. See reelvec keys list.`);
  console.log(`Key ${id} is revoked.`);
}
