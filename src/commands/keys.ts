import { databaseLocation, openDatabase } from '../database/open.ts';
import { type KeyQuotas, KeyRepository } from '../keys/repository.ts';
import { CommandError, readArguments, UsageError } from './arguments.ts';

export const help = `Manages API keys. A running server applies changes immediately.

Usage: reelvec keys create [--name NAME] [--bytes N] [--tasks N] [--minutes-per-day N]
       reelvec keys list
       reelvec keys revoke ID

Options:
  --name NAME          label of the key
  --bytes N            quota of stored asset bytes; default: REELVEC_QUOTA_BYTES
  --tasks N            quota of concurrent tasks; default: REELVEC_QUOTA_TASKS
  --minutes-per-day N  quota of media minutes per day; default: REELVEC_QUOTA_MINUTES_PER_DAY
  --data-dir PATH      data folder of the server (REELVEC_DATA_DIR)
  --database-url       PostgreSQL database, instead of the data folder (REELVEC_DATABASE_URL)

\`create\` prints the key once, alone on standard output; only its hash is stored. A key can access only its own tasks
and assets.

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
  // The key is alone on standard output for scripts: KEY=$(reelvec keys create)
  process.stdout.write(`${key}\n`);
  process.stderr.write(`Key ${id} (${name}). Save the key now: it is not stored.\n`);
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
