/**
 * For `node --import`: makes a server lose a connection to PostgreSQL in the middle of its durable work, as the file that
 * REELVEC_TEST_LOSS names says. A signal SIGUSR2 has it read: `{}` or a {@link Loss}. It is overwritten with what happened since
 * the signal before.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { BackendPostgres } from 'openworkflow/postgres';
import { PostgresJobStore } from '../../src/jobs/job-store-postgres.ts';
import { type Loss, Losses } from './losses.ts';

const file = process.env['REELVEC_TEST_LOSS'];
if (file !== undefined) {
  const losses = new Losses([BackendPostgres, PostgresJobStore]);
  process.on('SIGUSR2', () => {
    const wanted = JSON.parse(readFileSync(file, 'utf8')) as Loss | Record<string, never>;
    const happened = { hasStruck: losses.hasStruck, calls: Object.fromEntries(losses.calls) };
    losses.arm('method' in wanted ? (wanted as Loss) : undefined);
    writeFileSync(`${file}.happened`, JSON.stringify(happened));
  });
}
