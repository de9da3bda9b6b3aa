import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** True if all servers of the suite keep their blobs in a bucket: REELVEC_TEST_BLOBS=s3. */
export const BLOBS_ON_S3 = process.env['REELVEC_TEST_BLOBS'] === 's3';

interface Emulator {
  readonly endpoint: string;
  readonly bucket: string;
}

let emulator: Promise<Emulator> | undefined;

/** Settings that keep the blobs of a data folder in a bucket of an S3 emulator, the same for every start. */
export async function s3Settings(dataDir: string): Promise<Record<string, string>> {
  emulator ??= startEmulator();
  const { endpoint, bucket } = await emulator;
  return {
    REELVEC_BLOBS: `s3://${bucket}/${createHash('md5').update(dataDir).digest('hex')}`,
    REELVEC_S3_ENDPOINT: endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
}

/** Starts the emulator as a child process that does not keep this process alive. */
async function startEmulator(): Promise<Emulator> {
  const child = fork(fileURLToPath(new URL('./s3-emulator.ts', import.meta.url)), { execArgv: [] });
  const [started] = (await once(child, 'message')) as [Emulator];
  child.unref();
  child.channel?.unref();
  return started;
}
