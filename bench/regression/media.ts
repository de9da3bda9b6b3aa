/**
 * Embeds every file of the test media by URL, by base64 and as an asset, and requires the same end each time: the same
 * vectors and warnings, or the same error code. Any answer of 5xx is a failure.
 *   node bench/regression/media.ts [text that paths must contain]
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { hostFiles } from '../../test/support/file-host.ts';
import { type RunningServer, startServer, temporaryFolder } from '../../test/support/server.ts';
import { type Answer, asking, call, uploadAsset } from '../../test/support/tasks.ts';
import { MEDIA_DIR } from '../media.ts';
import { checkTargets } from '../report.ts';

/** Tasks in flight at the same time. */
const PARALLEL_TASKS = 3;
/** Largest decoded base64 source that the API accepts, in bytes. */
const LARGEST_BASE64_BYTES = 36 * 1024 ** 2;
const WAYS = ['url', 'base64', 'asset'] as const;
const NOT_MEDIA = /\.(csv|txt|srt|vtt|stm|md|mjs)$/;
const STILL_IMAGE = /\.(png|jpg|heic)$/;
const SOUND_ONLY = /\.(wav|mp3|flac|ogg)$/;

/** The end of one task: `ready DIGEST WARNINGS`, or `failed CODE: MESSAGE`, whether at creation or later. */
type End = string;

const wanted = process.argv[2] ?? '';
const files = readdirSync(MEDIA_DIR, { recursive: true, encoding: 'utf8' })
  .filter((file) => statSync(join(MEDIA_DIR, file)).isFile() && !NOT_MEDIA.test(file) && file.includes(wanted))
  .sort();
let serverErrors = 0;

await using stack = new AsyncDisposableStack();
const folder = stack.use(temporaryFolder());
const host = stack.use(await hostFiles(MEDIA_DIR));
const server = stack.use(await startServer({ dataDir: folder.path, env: { REELVEC_MAX_AUDIO_BYTES: '2000000000' } }));

const ends = new Map<string, End[]>();
const queue = [...files];
await Promise.all(Array.from({ length: PARALLEL_TASKS }, work));
// A still image is a valid asset, which a task then refuses; as a source it is not media.
const differing = files.filter(
  (file) => !STILL_IMAGE.test(file) && new Set(ends.get(file)?.map(withoutMessage)).size > 1,
);
for (const file of differing) console.log(`DIFFERS ${file}\n  ${ends.get(file)!.join('\n  ')}`);
const ready = files.filter((file) => ends.get(file)?.[0]?.startsWith('ready'));
for (const file of files) if (!ready.includes(file)) console.log(`${file}: ${ends.get(file)![0]}`);
console.log(`${files.length} files, ${ready.length} ready, ${files.length - ready.length} refused or failed`);
checkTargets([
  { what: 'files whose three ends differ', got: String(differing.length), want: '0', met: differing.length === 0 },
  { what: 'answers of 5xx', got: String(serverErrors), want: '0', met: serverErrors === 0 },
]);

async function work(): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const inputType = SOUND_ONLY.test(file) ? 'audio' : 'video';
    const bytes = readFileSync(join(MEDIA_DIR, file));
    const ways = WAYS.filter((way) => way !== 'base64' || (bytes.length > 0 && bytes.length <= LARGEST_BASE64_BYTES));
    ends.set(file, []);
    for (const way of ways) {
      const source = await sourceFor(way, file, bytes);
      ends.get(file)!.push(typeof source === 'string' ? source : await endOf(server, asking(inputType, source)));
    }
  }
}

async function sourceFor(way: (typeof WAYS)[number], file: string, bytes: Buffer): Promise<object | End> {
  if (way === 'url') return { url: `${host.url}/${encodeURI(file)}` };
  if (way === 'base64') return { base64_string: bytes.toString('base64') };
  const asset = await uploadAsset(server, bytes, basename(file));
  count(asset);
  return asset.status >= 300 ? failure(asset.body) : { asset_id: asset.body._id };
}

async function endOf(server: RunningServer, body: object): Promise<End> {
  const created = await call(server, 'POST', '/embed-v2/tasks', { body });
  count(created);
  if (created.status !== 202) return failure(created.body);
  for (;;) {
    const answer = await call(server, 'GET', `/embed-v2/tasks/${created.body._id}?wait=60`);
    count(answer);
    if (answer.status !== 200) return failure(answer.body);
    if (answer.body.status === 'failed') return failure(answer.body.error);
    if (answer.body.status !== 'ready') continue;
    const warnings = answer.body.warnings.join(' ');
    return `ready ${createHash('sha256').update(JSON.stringify(answer.body.data)).digest('hex').slice(0, 16)} ${warnings}`;
  }
}

/** Replaces the name of the source in a message, which differs between the three ways. */
function withoutMessage(end: End): string {
  return end.replace(/^(failed \w+):.*/, '$1');
}

function failure({ code, message }: { code: string; message: string }): End {
  return `failed ${code}: ${message.slice(0, 200)}`;
}

function count(answer: Answer): void {
  if (answer.status >= 500) serverErrors++;
}
