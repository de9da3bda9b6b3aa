import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';

const USER = 'reelvec';
const START_TIMEOUT_MS = 30_000;

/** Reason to skip the tests on PostgreSQL; undefined if it is installed. */
export const NO_POSTGRES = programs() ? undefined : 'no PostgreSQL on this machine: apt-get install postgresql';

/** PostgreSQL server of a test, in a temporary folder and on a free port. */
export interface TestPostgres extends AsyncDisposable {
  /** Creates an empty database. @returns its URL */
  database(): Promise<string>;
  /** Runs a statement on a connection of its own to the database `postgres`. */
  query(statement: string): Promise<Record<string, unknown>[]>;
  /** Stops the server; `immediate` without a clean shutdown, like a crash. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
  start(): Promise<void>;
}

export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<TestPostgres> {
  const folder = programs()!;
  const root = mkdtempSync(join(tmpdir(), 'reelvec-postgres-'));
  const data = join(root, 'data');
  const port = await freePort();
  // PostgreSQL refuses to run as root.
  const as: { uid?: number; gid?: number } = process.getuid?.() === 0 ? idsOf('nobody') : {};
  if (as.uid !== undefined && as.gid !== undefined) chownSync(root, as.uid, as.gid);
  chmodSync(root, 0o755);
  execFileSync(
    join(folder, 'initdb'),
    ['-D', data, '-U', USER, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { ...as, cwd: root, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const options = { listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: root, ...settings };
  const flags = Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const url = (name: string) => `postgres://${USER}@127.0.0.1:${port}/${name}`;
  const query = async (statement: string) => {
    const sql = postgres(url('postgres'), { max: 1, onnotice: () => {} });
    try {
      return [...(await sql.unsafe(statement))];
    } finally {
      await sql.end({ timeout: 1 });
    }
  };
  let running: ReturnType<typeof spawn> | undefined;
  const server: TestPostgres = {
    async start() {
      let output = '';
      running = spawn(join(folder, 'postgres'), ['-D', data, ...flags], { ...as, stdio: ['ignore', 'ignore', 'pipe'] });
      running.stderr!.on('data', (text) => {
        output += text;
      });
      const deadline = performance.now() + START_TIMEOUT_MS;
      while (!(await query('select 1').catch(() => undefined))) {
        if (performance.now() > deadline || running.exitCode !== null)
          throw new Error(`PostgreSQL did not start:\n${output}`);
        await sleep(50);
      }
    },
    async stop(mode = 'fast') {
      if (!running || running.exitCode !== null) return;
      const ended = once(running, 'close');
      running.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
      await ended;
    },
    async database() {
      const name = `t${process.pid}_${++count}`;
      await query(`create database ${name}`);
      return url(name);
    },
    query,
    async [Symbol.asyncDispose]() {
      await this.stop('immediate');
      rmSync(root, { recursive: true, force: true, maxRetries: 3 });
    },
  };
  await server.start();
  return server;
}

let count = 0;

/** Folder of `initdb` and `postgres`: in PATH, or in Debian's location. */
function programs(): string | undefined {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    ...globSync('/usr/lib/postgresql/*/bin').sort().reverse(),
  ];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

function idsOf(user: string): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
