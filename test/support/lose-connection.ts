/**
 * Preload for `node --import` that makes a server lose a connection to PostgreSQL during durable work. On SIGUSR2 it reads a
 * {@link Loss}, or `{}` for none, from the file in REELVEC_TEST_LOSS, and writes what happened since the previous signal to
 * the same path with the suffix `.happened`.
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
