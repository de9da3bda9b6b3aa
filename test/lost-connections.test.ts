import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FF_ENCODER_FLAC } from 'node-av/constants';
import type { Loss } from './support/losses.ts';
import { makeMedia } from './support/make-media.ts';
import { NO_POSTGRES, startPostgres, type TestPostgres } from './support/postgres.ts';
import { type ResettingProxy, resettingProxy } from './support/resetting-proxy.ts';
import { KEY, type RunningServer, startServer, temporaryFolder, until } from './support/server.ts';
import { asking, call } from './support/tasks.ts';

/** If true, every call loses its connection once, and storms last longer: for `npm run test:faults`. */
const ALL = process.env['REELVEC_TEST_ROUNDS'] !== undefined;
/** Losses that failed a good task, or delayed its run until the lease expired, before they were fixed. */
const WORST = [
  'BackendPostgres.completeWorkflowRun',
  'BackendPostgres.setStepAttemptChildWorkflowRun',
  'BackendPostgres.completeStepAttempt',
  'PostgresJobStore.claim',
];
const MOST_CALLS = 8;
const STORM = { ms: ALL ? 60_000 : 8000, everyMs: 100 };
/** Longer than two rounds of the maintenance that starts missing runs, which are 20 to 35 s apart. */
const END_TIMEOUT_MS = 240_000;

describe('a server that loses its connections to PostgreSQL', {
  skip: NO_POSTGRES,
}, () => {
  const stack = new AsyncDisposableStack();
  let postgres: TestPostgres;
  let proxy: ResettingProxy;
  let server: RunningServer;
  let folder: string;
  let short: object;
  let long: string;
  let undisturbed: string;

  before(async () => {
    folder = stack.use(temporaryFolder()).path;
    const sound = makeMedia(join(folder, 'short.flac'), {
      audio: 'sine=frequency=880:duration=8',
      audioCodec: FF_ENCODER_FLAC,
    });
    short = asking('audio', { base64_string: readFileSync(sound).toString('base64') });
    // Three chunks.
    long = makeMedia(join(folder, 'long.flac'), {
      audio: 'sine=frequency=440:duration=660:sample_rate=8000',
      audioCodec: FF_ENCODER_FLAC,
    });
    postgres = stack.use(await startPostgres({ fsync: 'off' }));
    const database = new URL(await postgres.database());
    proxy = stack.use(await resettingProxy(Number(database.port)));
    database.port = `${proxy.port}`;
    server = stack.use(
      await startServer({
        dataDir: join(folder, 'data'),
        env: {
          REELVEC_DATABASE_URL: database.href,
          REELVEC_WORKERS: '2',
          REELVEC_DRAIN_SEC: '0',
          REELVEC_TEST_LOSS: join(folder, 'loss'),
          NODE_OPTIONS: `--import=${new URL('./support/lose-connection.ts', import.meta.url)}`,
        },
      }),
    );
    undisturbed = await run();
  });
  after(() => stack.disposeAsync());

  /** Repeats a request with the same idempotency key until there is an answer, as a careful client does. */
  async function insist(path: string, body: unknown): Promise<string> {
    const headers = { 'x-api-key': KEY, 'idempotency-key': `${Math.random()}` };
    const deadline = performance.now() + END_TIMEOUT_MS;
    for (;;) {
      const answer = await call(server, 'POST', path, { body, headers });
      if (answer.status < 300) return answer.body._id;
      assert.ok(answer.status === 503 || answer.status === 409, answer.text);
      assert.ok(performance.now() < deadline, `no answer but ${answer.text}`);
      await sleep(100);
    }
  }

  /** Waits until a task is ready. @returns its vectors */
  async function finished(id: string): Promise<string> {
    const deadline = performance.now() + END_TIMEOUT_MS;
    for (;;) {
      const { status, body, text } = await call(server, 'GET', `/embed-v2/tasks/${id}?wait=2`);
      assert.ok(status === 200 || status === 503, text.slice(0, 500));
      if (status === 200 && body.status !== 'processing') {
        assert.equal(body.status, 'ready', body.error?.message);
        return text.slice(text.indexOf('"data":'));
      }
      assert.ok(performance.now() < deadline, `still ${text.slice(0, 300)}`);
    }
  }

  async function run(): Promise<string> {
    return finished(await insist('/embed-v2/tasks', short));
  }

  /** Arms the server. @returns the losses since it was last armed */
  async function arm(loss: Loss | undefined): Promise<{ hasStruck: boolean; calls: Record<string, number> }> {
    const [file, happened] = [join(folder, 'loss'), join(folder, 'loss.happened')];
    rmSync(happened, { force: true });
    writeFileSync(file, JSON.stringify(loss ?? {}));
    process.kill(server.pid, 'SIGUSR2');
    const read = () => existsSync(happened) && readFileSync(happened, 'utf8').endsWith('}');
    await until(read, 10_000, 'the server is armed');
    return JSON.parse(readFileSync(happened, 'utf8'));
  }

  test(`at ${ALL ? 'any' : 'a'} call gives the same result`, async (t) => {
    await arm(undefined);
    assert.equal(await run(), undisturbed);
    const { calls } = await arm(undefined);
    const methods = Object.keys(calls).filter((method) => ALL || WORST.includes(method));
    assert.ok(
      WORST.every((method) => methods.includes(method)),
      `called: ${Object.keys(calls)}`,
    );
    let struck = 0;
    for (const method of methods) {
      for (const when of ['before', 'after'] as const) {
        for (let nth = 1; nth <= (ALL ? Math.min(calls[method]!, MOST_CALLS) : 1); nth++) {
          const name = `${method} ${when} #${nth}`;
          await arm({ method, when, nth });
          const begun = performance.now();
          assert.ok((await run().catch((error) => assert.fail(`${name}: ${error.message}`))) === undisturbed, name);
          if ((await arm(undefined)).hasStruck) struck++;
          if (ALL) t.diagnostic(`${name}: ${Math.round(performance.now() - begun)} ms`);
        }
      }
    }
    t.diagnostic(`${struck} losses at ${methods.length} methods`);
  });

  const storms = {
    'ended by the database': async () => {
      const ended = await postgres.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'reelvec'`,
      );
      return ended.length;
    },
    'reset by the network': async () => proxy.resetAll(),
  };
  for (const [name, strike] of Object.entries(storms)) {
    test(`all at once, many times, while tasks run, ${name}: all end as if nothing had happened`, async (t) => {
      const film = asking('audio', { base64_string: readFileSync(long).toString('base64') });
      const expected = await finished(await insist('/embed-v2/tasks', film));
      const storm = new AbortController();
      let lost = 0;
      const raging = (async () => {
        while (!storm.signal.aborted) {
          lost += await strike();
          await sleep(STORM.everyMs);
        }
      })();
      const over = sleep(STORM.ms).then(() => storm.abort());
      let shorts = 0;
      const films = Promise.all([film, film].map(async (body) => finished(await insist('/embed-v2/tasks', body))));
      while (!storm.signal.aborted) {
        assert.ok((await run()) === undisturbed, 'the result of an undisturbed run');
        shorts++;
      }
      await over;
      await raging;
      for (const result of await films) assert.ok(result === expected, 'the result of an undisturbed run');
      assert.equal(await run(), undisturbed);
      t.diagnostic(`${lost} connections lost in ${STORM.ms / 1000} s; 2 long and ${shorts + 1} short tasks are ready`);
      const isReady = async () => (await call(server, 'GET', '//readyz')).status === 200;
      await until(isReady, 20_000, '/readyz says ready');
      for (let i = 0; i < 50; i++) assert.equal((await call(server, 'GET', '/embed-v2/tasks')).status, 200);
      const [{ held } = {}] = await postgres.query(
        `select count(*)::int as held from pg_locks where locktype = 'advisory'`,
      );
      assert.ok((held as number) <= 1, 'no lock stays: but for the maintenance that may run just now');
    });
  }
});
