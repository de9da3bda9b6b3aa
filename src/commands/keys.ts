import { databaseLocation, openDatabase } from '../database/open.ts';
import { type KeyQuotas, KeyRepository } from '../keys/repository.ts';
import { CommandError, readArguments, UsageError } from './arguments.ts';

export const help = `Manages API keys; a running server knows of changes at once.

Usage: reelvec keys create [--name NAME] [--bytes N] [--tasks N] [--minutes-per-day N]
       reelvec keys list
       reelvec keys revoke ID

Options:
  --name NAME      what the key is for
  --bytes N        bytes of assets that it may store, instead of REELVEC_QUOTA_BYTES
  --tasks N        tasks at the same time, instead of REELVEC_QUOTA_TASKS
  --minutes-per-day N  minutes of media that it may embed in a day, instead of REELVEC_QUOTA_MINUTES_PER_DAY
  --data-dir PATH  data folder of the server (REELVEC_DATA_DIR)
  --database-url   database of several servers, instead (REELVEC_DATABASE_URL)

A key is shown once, when it is made, alone on standard output; only its hash is kept. It sees only its own tasks and assets.

Examples:
  KEY=$(reelvec keys create --name laptop)
  reelvec keys revoke 019a5c0d7f3e8b1c2d4e5f60
`;

export async function run(args: string[]): Promise<void> {
  const { values, positionals, config } = readArguments(args, {
    name: { type: 'string' },
    bytes: { type: 'string' },
    tasks: { type: 'string' },
    'minutes-per-day': { type: 'string' },
  });
  const [action, id, ...rest] = positionals;
  const fits = action === 'revoke' ? id !== undefined && rest.length === 0 : id === undefined;
  if (!['create', 'list', 'revoke'].includes(action ?? '') || !fits) throw new UsageError('See reelvec keys --help.');
  const db = await openDatabase(databaseLocation(config));
  try {
    const keys = new KeyRepository(db);
    if (action === 'create') {
      const quotas = {
        bytes: atLeastZero('--bytes', values.bytes),
        tasks: atLeastZero('--tasks', values.tasks),
        minutesPerDay: atLeastZero('--minutes-per-day', values['minutes-per-day']),
      };
      await create(keys, values.name ?? 'unnamed', quotas);
    } else if (action === 'list') await list(keys);
    else await revoke(keys, id!);
  } finally {
    await db.destroy();
  }
}

function atLeastZero(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`${flag} must be a whole number, 0 or more: got ${text}.`);
}

async function create(keys: KeyRepository, name: string, quotas: KeyQuotas): Promise<void> {
  const { id, key } = await keys.create(name, quotas);
  // Alone on standard output, for scripts: KEY=$(reelvec keys create)
  process.stdout.write(`${key}\n`);
  process.stderr.write(`Key ${id} (${name}). It is not kept: note it down now.\n`);
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
