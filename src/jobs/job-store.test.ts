import { after, before } from 'node:test';
import { jobStoreContract } from '../../test/support/contracts/job-store.ts';
import { NO_POSTGRES, startPostgres, type TestPostgres } from '../../test/support/postgres.ts';
import { temporaryFolder } from '../../test/support/server.ts';
import type { JobStore } from './job-store.ts';
import { PostgresJobStore } from './job-store-postgres.ts';
import { SqliteJobStore } from './job-store-sqlite.ts';

let server: TestPostgres | undefined;
before(async () => {
  if (!NO_POSTGRES) server = await startPostgres();
});
after(() => server?.[Symbol.asyncDispose]());

jobStoreContract('SQLite', async () => {
  const folder = temporaryFolder();
  return disposable(new SqliteJobStore(`${folder.path}/jobs.db`), () => folder[Symbol.dispose]());
});

jobStoreContract('PostgreSQL', async () => disposable(await PostgresJobStore.open(await server!.database())), {
  skip: NO_POSTGRES,
});

function disposable<Store extends JobStore>(jobs: Store, then: () => void = () => {}): Store & AsyncDisposable {
  return Object.assign(jobs, {
    async [Symbol.asyncDispose]() {
      await jobs.close();
      then();
    },
  });
}
