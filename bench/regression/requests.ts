/**
 * Sends requests that Schemathesis generates from `/openapi.json`, valid, nearly valid and hostile, to a real server, and
 * requires that no answer is a 5xx and that each matches the document.
 *   node bench/regression/requests.ts [number of requests, default 20000] [seed]
 * Needs `schemathesis` 4 on the PATH, or its path in SCHEMATHESIS.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostFiles } from '../../test/support/file-host.ts';
import { makeMedia } from '../../test/support/make-media.ts';
import { KEY, startServer, temporaryFolder } from '../../test/support/server.ts';
import { asking, call, createTask, ready, uploadAsset } from '../../test/support/tasks.ts';
import { checkTargets } from '../report.ts';

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
];
const REQUESTS = Number(process.argv[2] ?? 20_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);

await using stack = new AsyncDisposableStack();
const folder = stack.use(temporaryFolder());
const media = stack.use(temporaryFolder());
const film = makeMedia(join(media.path, 'film.mp4'), {
  video: 'testsrc2=size=640x360:rate=12:duration=5',
  audio: 'sine=frequency=440:duration=5',
});
const host = stack.use(await hostFiles(media.path));
const server = stack.use(await startServer({ dataDir: folder.path }));
const asset = await uploadAsset(server, readFileSync(film), 'film.mp4');
const task = await createTask(server, asking('video', { url: `${host.url}/film.mp4` }));
await ready(server, task);

const document = (await call(server, 'GET', '//openapi.json')).body;
const operations = Object.values<object>(document.paths).flatMap((path) => Object.keys(path)).length;
// A bound for each operation and phase; some operations have fewer distinct requests, so it may take several rounds.
const perOperation = Math.ceil(REQUESTS / operations);
const statuses: Record<string, number> = {};
let sent = 0;
let failedRounds = 0;
for (let round = 0; sent < REQUESTS; round++) {
  const report = join(media.path, `events-${round}.ndjson`);
  if ((await generate(seed + round, report)) !== 0) failedRounds++;
  const counts = answersByStatus(readFileSync(report, 'utf8'));
  for (const [status, count] of Object.entries(counts)) statuses[status] = (statuses[status] ?? 0) + count;
  const sentBefore = sent;
  sent = Object.values(statuses).reduce((sum, count) => sum + count, 0);
  if (sent === sentBefore) break;
}
console.log('answers by status:', statuses);
const alive = await call(server, 'GET', '//readyz');
const broken = failedRounds === 0 ? 'none' : 'see above';
checkTargets([
  { what: 'requests sent', got: String(sent), want: `≥ ${REQUESTS}`, met: sent >= REQUESTS },
  { what: 'answers that break the document, or 5xx', got: broken, want: 'none', met: failedRounds === 0 },
  { what: '/readyz afterwards', got: String(alive.status), want: '200', met: alive.status === 200 },
]);

/** Runs Schemathesis once. @returns its exit code: 0 when every answer passed the checks */
async function generate(seed: number, report: string): Promise<number | null> {
  const flags = [
    ...['run', new URL('/openapi.json', server.url).href, '--url', server.url.replace(/\/v1\.3$/, '')],
    ...['--header', `x-api-key:${KEY}`, '--checks', CHECKS.join(','), '--mode', 'all', '--seed', String(seed)],
    ...['--max-examples', String(perOperation), '--continue-on-failure', '--no-shrink'],
    ...['--suppress-health-check', 'all', '--request-timeout', '60', '--report-ndjson-path', report],
  ];
  const child = spawn(process.env['SCHEMATHESIS'] ?? 'schemathesis', flags, {
    cwd: media.path,
    stdio: 'inherit',
    env: {
      ...process.env,
      SCHEMATHESIS_HOOKS: join(import.meta.dirname, 'known_values.py'),
      REELVEC_KNOWN: JSON.stringify({ url: `${host.url}/film.mp4`, asset: asset.body._id, task }),
    },
  });
  const [code] = await once(child, 'close');
  return code;
}

/** Counts the answers in Schemathesis' report of events, one JSON object a line. */
function answersByStatus(events: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const line of events.trim().split('\n')) {
    const interactions: Record<string, { response?: { status_code: number } }> =
      JSON.parse(line).ScenarioFinished?.recorder.interactions ?? {};
    for (const { response } of Object.values(interactions)) {
      const status = response?.status_code ?? 'none';
      counts[status] = (counts[status] ?? 0) + 1;
    }
  }
  return counts;
}
