/**
 * Uploads of a gigabyte over loopback against `cp` and fsync of the same file on the same disk, in turn, so that other
 * work on the machine affects both; and two hundred uploads at once. Needs `curl` (7.84 or newer), 8 GB of free
 * disk below the folder of temporary files, and Linux.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chunkSizeFor } from '../src/assets/multipart/upload.ts';
import { makeMedia } from '../test/support/make-media.ts';
import { KEY, memoryOf, type RunningServer, startServer } from '../test/support/server.ts';
import { checkTargets, median } from './report.ts';

const ROUNDS = Number(process.env['ROUNDS'] ?? 5);
const SIZE = 1024 ** 3;
const MEGABYTE = 1024 ** 2;
/** Concurrent chunks of one upload, as in both official SDKs. */
const CONCURRENT_CHUNKS = 5;
/** Concurrent uploads in the second part. */
const CONCURRENT_UPLOADS = 200;
/** Size of each concurrent upload. */
const CONCURRENT_UPLOAD_BYTES = 8 * MEGABYTE;
/**
 * Rounds of concurrent uploads. Pools fill in the first ones: V8 touches more and more of its reserved memory, and glibc keeps freed memory. The
 * median of the last eight rounds is compared with that of the eight before: a leak of 12 KB per upload adds 20 MB. The
 * medians of fewer rounds differ by as much without a leak.
 */
const CONCURRENT_ROUNDS = 18;
/** Rounds whose median memory is compared with that of as many rounds before. */
const COMPARED_ROUNDS = 8;
/** Allowed growth of memory between the two. */
const MAX_GROWTH_BYTES = 20 * MEGABYTE;

const folder = mkdtempSync(join(tmpdir(), 'reelvec-bench-upload-'));
const dataDir = join(folder, 'data');
const film = join(folder, 'film.mp4');
const server = await startServer({
  dataDir,
  env: { REELVEC_MAX_UPLOAD_BYTES: String(2 * SIZE), REELVEC_WORKERS: '1', REELVEC_LOG_LEVEL: 'error' },
});
try {
  makeFilm();
  const targets = [];
  for (const [what, upload] of [
    ['direct upload of 1 GB', uploadDirect],
    ['upload of 1 GB in chunks', uploadInChunks],
  ] as const) {
    const ratios: number[] = [];
    const seconds: number[] = [];
    const rises: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const copied = copy();
      const watch = watchMemory(server);
      const { sec, assetId } = await upload();
      const rise = watch.stop();
      await remove(assetId);
      // The first is a warm-up of caches, the compiler and the page cache.
      if (round === 0) continue;
      ratios.push(copied / sec);
      seconds.push(sec);
      rises.push(rise);
    }
    const ratio = median(ratios);
    const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
    const got = `${ratio.toFixed(2)} × the speed of cp and fsync (${spread}), ${median(seconds).toFixed(2)} s`;
    targets.push({ what, got, want: '≥ 0.6', met: ratio >= 0.6 });
    const rise = Math.max(...rises);
    targets.push({ what: `${what}, memory`, got: `${mb(rise)} more`, want: '< 80 MB', met: rise < 80 * MEGABYTE });
  }
  targets.push(...(await concurrentUploads()));
  checkTargets(targets);
} finally {
  await server.stop();
  rmSync(folder, { recursive: true });
}

/** A gigabyte that is a film: a short one, and a box behind it that every player skips. */
function makeFilm(): void {
  makeMedia(film, { video: 'testsrc2=size=640x360:rate=24:duration=5' });
  const left = SIZE - statSync(film).size;
  const header = Buffer.alloc(8);
  header.writeUInt32BE(left);
  header.write('free', 4, 'latin1');
  appendFileSync(film, header);
  execFileSync('sh', ['-c', `head -c ${left - 8} /dev/urandom >> ${film}`]);
}

/** @returns seconds */
function copy(): number {
  const to = join(folder, 'copy.mp4');
  const started = performance.now();
  execFileSync('cp', [film, to]);
  execFileSync('sync', [to]);
  const sec = (performance.now() - started) / 1000;
  rmSync(to);
  return sec;
}

async function uploadDirect() {
  const started = performance.now();
  const answer = await curl(['-F', 'method=direct', '-F', `file=@${film}`, `${server.url}/assets`]);
  const sec = (performance.now() - started) / 1000;
  return { sec, assetId: String(JSON.parse(answer)._id) };
}

/** Time from the creation of the session to the answer to the last report; the file is cut before, as the SDKs do. */
async function uploadInChunks() {
  const chunks = mkdtempSync(join(folder, 'chunks-'));
  const sizeOf = (i: number) => statSync(join(chunks, names[i]!)).size;
  execFileSync('split', ['-b', String(chunkSizeFor(SIZE)), '-a', '3', film, join(chunks, 'c')]);
  const names = readdirSync(chunks).sort();
  execFileSync(
    'sync',
    names.map((name) => join(chunks, name)),
  );
  const started = performance.now();
  const session = await post('', { filename: 'film.mp4', type: 'video', total_size: SIZE });
  const links: { url: string }[] = session.upload_urls;
  while (links.length < names.length) {
    const wanted = { start: links.length + 1, count: 50 };
    links.push(...(await post(`/${session.upload_id}/presigned-urls`, wanted)).upload_urls);
  }
  const config = names.map((name, i) => `url = "${links[i]!.url}"\nupload-file = "${join(chunks, name)}"\n`).join('');
  writeFileSync(join(chunks, 'config'), `${config}write-out = "%{urlnum} %header{etag}\\n"\n`);
  const sent = await curl(['-Z', '--parallel-max', String(CONCURRENT_CHUNKS), '-K', join(chunks, 'config')]);
  const etags = new Map(
    sent
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
  const reported = names.map((_, i) => ({
    chunk_index: i + 1,
    proof: etags.get(String(i)),
    proof_type: 'etag',
    chunk_size: sizeOf(i),
  }));
  for (let i = 0; i < reported.length; i += 50) {
    await post(`/${session.upload_id}`, { completed_chunks: reported.slice(i, i + 50) });
  }
  const sec = (performance.now() - started) / 1000;
  rmSync(chunks, { recursive: true });
  return { sec, assetId: String(session.asset_id) };
}

/** Two hundred concurrent uploads, repeatedly: a leak grows with every round, not only with the first ones. */
async function concurrentUploads() {
  const content = readFileSync(film).subarray(0, CONCURRENT_UPLOAD_BYTES);
  const descriptors = () => readdirSync(`/proc/${server.pid}/fd`).length;
  const round = async () => {
    const agent = new Agent({ keepAlive: true });
    const uploads = Array.from({ length: CONCURRENT_UPLOADS }, () => sendSlowly(content, agent));
    const total = CONCURRENT_UPLOADS * CONCURRENT_UPLOAD_BYTES;
    // Progress of the slowest when half of all bytes are sent.
    while (uploads.reduce((sum, { sent }) => sum + sent(), 0) < total / 2) await sleep(5);
    const least = Math.min(...uploads.map(({ sent }) => sent() / CONCURRENT_UPLOAD_BYTES));
    const ids = await Promise.all(uploads.map(({ done }) => done));
    for (const id of ids) await remove(id);
    // The clients and their connections are gone.
    agent.destroy();
    await sleep(2000);
    return { least, memory: memoryOf(server.pid), descriptors: descriptors() };
  };
  const before = descriptors();
  const rounds = [];
  for (let i = 0; i < CONCURRENT_ROUNDS; i++) rounds.push(await round());
  const last = rounds.at(-1)!;
  const memory = rounds.map((round) => round.memory);
  const growth = median(memory.slice(-COMPARED_ROUNDS)) - median(memory.slice(-2 * COMPARED_ROUNDS, -COMPARED_ROUNDS));
  const least = Math.min(...rounds.map((round) => round.least));
  process.stdout.write(`memory after each round: ${memory.map(mb).join(', ')}\n`);
  return [
    {
      what: `${CONCURRENT_UPLOADS} uploads at once, file descriptors left open`,
      got: String(last.descriptors - before),
      want: '≤ 5',
      met: last.descriptors - before <= 5,
    },
    {
      what: `${CONCURRENT_UPLOADS} uploads at once, memory after the last ${COMPARED_ROUNDS} rounds against the ${COMPARED_ROUNDS} before`,
      got: `${mb(growth)} more`,
      want: `< ${mb(MAX_GROWTH_BYTES)}`,
      met: growth < MAX_GROWTH_BYTES,
    },
    {
      what: `${CONCURRENT_UPLOADS} uploads at once, share that the slowest has sent when half of all is sent`,
      got: least.toFixed(2),
      want: '≥ 0.25',
      met: least >= 0.25,
    },
  ];
}

/** Sends as fast as the server reads. `sent` is called with the number of bytes sent. */
function sendSlowly(content: Buffer, agent: Agent) {
  const { promise: done, resolve, reject } = Promise.withResolvers<string>();
  let taken = 0;
  const sending = request(`${server.url}/assets`, {
    method: 'POST',
    agent,
    headers: { 'x-api-key': KEY, 'content-type': 'multipart/form-data; boundary=b' },
  });
  sending.on('error', reject).on('response', async (response) => {
    const body = Buffer.concat(await response.toArray()).toString();
    if (response.statusCode === 201) resolve(String(JSON.parse(body)._id));
    else reject(new Error(body));
  });
  sending.write('--b\r\nContent-Disposition: form-data; name="method"\r\n\r\ndirect\r\n');
  sending.write('--b\r\nContent-Disposition: form-data; name="file"; filename="f.mp4"\r\n\r\n');
  void (async () => {
    for (let at = 0; at < content.length; at += 65_536) {
      if (!sending.write(content.subarray(at, at + 65_536))) await once(sending, 'drain');
      taken = at + 65_536;
    }
    sending.end('\r\n--b--\r\n');
  })().catch(reject);
  return { done, sent: () => taken };
}

async function curl(args: string[]): Promise<string> {
  const child = spawn(
    'curl',
    ['-sS', '--no-progress-meter', '--fail-with-body', '-H', `x-api-key: ${KEY}`, '-H', 'Expect:', ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const output = child.stdout.toArray();
  const [code] = await once(child, 'close');
  const text = Buffer.concat(await output).toString();
  if (code !== 0) throw new Error(`curl ended with ${code}: ${text.slice(0, 500)}`);
  return text;
}

async function post(path: string, body: object) {
  const answer = await fetch(`${server.url}/assets/multipart-uploads${path}`, {
    method: 'POST',
    headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return JSON.parse(text);
}

/** Removes an asset once it is ready, so that no work on it overlaps the next measurement. */
async function remove(assetId: string): Promise<void> {
  const url = `${server.url}/assets/${assetId}`;
  const headers = { 'x-api-key': KEY };
  for (;;) {
    const asset = (await (await fetch(url, { headers })).json()) as { status: string };
    if (asset.status !== 'processing') break;
    await sleep(20);
  }
  await fetch(url, { method: 'DELETE', headers });
}

/** @returns peak growth of the server's memory, in bytes */
function watchMemory({ pid }: RunningServer): { stop: () => number } {
  const before = memoryOf(pid);
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, memoryOf(pid));
  }, 20);
  return {
    stop() {
      clearInterval(timer);
      return most - before;
    },
  };
}

function mb(bytes: number): string {
  return `${Math.round(bytes / MEGABYTE)} MB`;
}
