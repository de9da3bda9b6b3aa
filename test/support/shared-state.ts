import { paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { NO_POSTGRES, startPostgres, type TestPostgres } from './postgres.ts';
import { s3Server } from './s3-server.ts';

export { NO_POSTGRES };

/** Shared state of a cluster: a PostgreSQL server and an S3 store on loopback. */
export interface SharedState extends AsyncDisposable {
  /** Settings of every node. */
  readonly env: Readonly<Record<string, string>>;
  readonly databaseUrl: string;
  readonly postgres: TestPostgres;
  /** Keys of all blobs. */
  blobKeys(): Promise<string[]>;
  readonly s3: Awaited<ReturnType<typeof s3Server>>;
}

/** Starts the shared state. @param settings of PostgreSQL */
export async function sharedState(settings: Readonly<Record<string, string>> = {}): Promise<SharedState> {
  await using stack = new AsyncDisposableStack();
  // Tests need no durability across a power cut.
  const postgres = stack.use(await startPostgres({ fsync: 'off', ...settings }));
  const s3 = stack.use(await s3Server());
  const databaseUrl = await postgres.database();
  const bucket = s3.bucket();
  const client = new S3Client({ endpoint: s3.endpoint, region: 'us-east-1', forcePathStyle: true });
  stack.defer(() => client.destroy());
  const blobKeys = async () => {
    const pages = await Array.fromAsync(paginateListObjectsV2({ client }, { Bucket: bucket }));
    return pages.flatMap(({ Contents = [] }) => Contents.map(({ Key = '' }) => Key));
  };
  const env = {
    REELVEC_DATABASE_URL: databaseUrl,
    REELVEC_BLOBS: `s3://${bucket}/reelvec`,
    REELVEC_S3_ENDPOINT: s3.endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
  const all = stack.move();
  return { env, databaseUrl, postgres, s3, blobKeys, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
