import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import { parquetReadObjects } from 'hyparquet';
import { reelvec } from './support/command.ts';
import { hostFiles } from './support/file-host.ts';
import { loopMedia } from './support/loop-media.ts';
import { cutsBetween, makeMedia } from './support/make-media.ts';
import { childrenOf, isAlive, ROOT, until } from './support/server.ts';

interface Item {
  readonly embedding: number[];
  readonly embedding_option: string;
  readonly embedding_scope: string;
  readonly start_sec: number;
  readonly end_sec: number;
}

describe('the command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reelvec-cli-'));
  const path = (name: string) => join(folder, name);
  let film: string;
  before(() => {
    film = makeMedia(path('film.mp4'), {
      video: cutsBetween(['testsrc2', 'smptebars', 'mandelbrot', 'rgbtestsrc'], { rate: 12 }),
      audio: 'sine=frequency=440:duration=12',
    });
    writeFileSync(path('text.mp4'), 'This is no film.');
  });
  after(() => rmSync(folder, { recursive: true }));

  test('embed: the same result as JSON, NDJSON, Arrow and Parquet, to standard output or a file', async () => {
    const how = ['--segmentation', 'fixed:3', '--option', 'visual', '--option', 'audio'];
    const [json, lines, arrow, parquet] = await Promise.all([
      reelvec(['embed', film, ...how]),
      reelvec(['embed', film, ...how, '--format', 'ndjson', '-o', path('film.ndjson')]),
      reelvec(['embed', film, ...how, '--format', 'arrow', '--output', path('film.arrow')]),
      reelvec(['embed', film, ...how, '--format', 'parquet', '--output', path('film.parquet')]),
    ]);
    for (const { code, stderr } of [json, lines, arrow, parquet]) assert.equal(code, 0, stderr);
    const { data, metadata, warnings } = JSON.parse(json.stdout.toString()) as {
      data: Item[];
      metadata: { duration: number; bundle: string };
      warnings: string[];
    };
    assert.match(metadata.bundle, /^signal@/);
    assert.equal(data.length, 4 * 2 + 2, 'segments × options + options');
    assert.deepEqual(warnings, []);
    assert.equal(metadata.duration, 12);
    assert.equal(lines.stdout.length + arrow.stdout.length, 0, 'what goes to a file does not go to standard output');
    const ndjson = readFileSync(path('film.ndjson'), 'utf8').trimEnd().split('\n');
    assert.deepEqual(
      ndjson.map((line) => JSON.parse(line)),
      data,
    );
    const tables = {
      arrow: [...tableFromIPC(readFileSync(path('film.arrow')))],
      parquet: await parquetReadObjects({ file: Uint8Array.from(readFileSync(path('film.parquet'))).buffer }),
    };
    const single = ({ embedding, ...item }: Item) => ({ ...item, embedding: embedding.map(Math.fround) });
    for (const [format, table] of Object.entries(tables)) {
      const rows = table.map((row) => ({
        embedding_option: row?.['embedding_option'],
        embedding_scope: row?.['embedding_scope'],
        start_sec: row?.['start_sec'],
        end_sec: row?.['end_sec'],
        embedding: [...(row?.['embedding'] ?? [])],
      }));
      assert.ok(
        JSON.stringify(rows.map(sorted)) === JSON.stringify(data.map(single).map(sorted)),
        `${format}: the same to the bit`,
      );
    }
  });

  test('embed: a URL and scopes; warnings go to standard error, with the progress as plain lines', async () => {
    await using host = await hostFiles(folder);
    const { code, stdout, stderr } = await reelvec(['embed', `${host.url}/film.mp4`, '--scope', 'asset']);
    assert.equal(code, 0, stderr);
    const { data } = JSON.parse(stdout.toString()) as { data: Item[] };
    assert.deepEqual(
      data.map((item) => `${item.embedding_scope} ${item.embedding_option}`),
      ['asset visual', 'asset audio'],
    );
    assert.match(stderr, /no transcription embeddings/);
    const long = loopMedia(path('long.mp4'), { of: film, times: 12, everySec: 12 });
    const progress = await reelvec(['embed', long, '--option', 'visual', '--scope', 'asset', '--workers', '1']);
    assert.match(progress.stderr, /^\d+ % \(\d+\.\d× real time\)$/m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal would be sent
    assert.doesNotMatch(progress.stderr, /[\r\u001b]/, 'nothing that draws over a line');
    JSON.parse(progress.stdout.toString());
  });

  test('shots: the cuts of a generated film, as JSON', async () => {
    const { code, stdout } = await reelvec(['shots', film, '--json']);
    assert.equal(code, 0);
    const { frame_rate, frame_count, duration_sec, shots } = JSON.parse(stdout.toString());
    assert.deepEqual([frame_rate, frame_count, duration_sec], [12, 144, 12]);
    const [first] = shots;
    assert.deepEqual([first.start_frame, first.start_sec, first.transition], [0, 0, 'start']);
    // The first few pictures of the generated film are grey: the encoder has not found its rate yet.
    const later = shots.filter((shot: { start_sec: number }) => shot.start_sec > 1);
    assert.deepEqual(
      later,
      [3, 6, 9].map((sec) => ({
        start_frame: sec * 12,
        start_sec: sec,
        end_sec: sec + 3,
        transition: 'cut',
        transition_frames: [sec * 12, sec * 12],
      })),
    );
  });

  test('a local playlist is refused without opening its entries; media with the name of one works', async () => {
    const trap = path('trap.ts');
    execFileSync('mkfifo', [trap]);
    writeFileSync(path('list.m3u8'), '#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\ntrap.ts\n#EXT-X-ENDLIST\n');
    writeFileSync(path('list.ffconcat'), 'ffconcat version 1.0\nfile trap.ts\n');
    for (const name of ['list.m3u8', 'list.ffconcat']) {
      const { code, stdout, stderr } = await reelvec(['embed', path(name)], {
        env: { REELVEC_WORKER_SILENCE_SEC: '5' },
      });
      assert.equal(code, 1);
      assert.match(stderr, /^reelvec: The format of the file is .*\n$/, name);
      assert.equal(stdout.length, 0);
      assert.throws(() => closeSync(openSync(trap, constants.O_WRONLY | constants.O_NONBLOCK)), { code: 'ENXIO' });
    }
    copyFileSync(film, path('film.m3u8'));
    const { code, stderr } = await reelvec(['shots', path('film.m3u8')]);
    assert.equal(code, 0, stderr);
  });

  test('exit codes: 1 for a failure, 2 for wrong usage, with one sentence on standard error', async () => {
    const calls: [number, RegExp, ...string[]][] = [
      [1, /There is no file/, 'embed', path('missing.mp4')],
      [1, /format of the file is not known/, 'embed', path('text.mp4')],
      [1, /format of the file is not known/, 'shots', path('text.mp4')],
      [1, /could not be read: the host refused/, 'embed', 'http://127.0.0.1:1/film.mp4'],
      [1, /start_sec is 99/, 'embed', film, '--start', '99'],
      [2, /no command "fly"/, 'fly'],
      [2, /^reelvec: There is no option --fast\. See --help\.$/m, 'embed', film, '--fast'],
      [2, /^reelvec: --format needs a value\.$/m, 'embed', film, '--format'],
      [2, /^reelvec: --port needs a value\.$/m, 'serve', '--port='],
      [2, /^reelvec: -o needs a value\.$/m, 'embed', film, '-o', '--format', 'json'],
      [2, /^reelvec: --json takes no value\.$/m, 'shots', film, '--json=yes'],
      [1, /--output: .* is a folder/, 'embed', film, '-o', folder],
      [1, /--output: .*there is no folder .*nowhere/, 'embed', film, '-o', path('nowhere/film.json')],
      [1, /--plot: .*there is no folder .*nowhere/, 'shots', film, '--plot', path('nowhere/shots.html')],
      [2, /Give a file or URL/, 'embed'],
      [2, /--segmentation takes/, 'embed', film, '--segmentation', 'fixed:99'],
      [2, /--format takes/, 'embed', film, '--format', 'xml'],
      [2, /--type fused: .*do not compare with the bundle "signal"/, 'embed', film, '--type', 'fused'],
      [2, /--dimension: the bundle "signal" has vectors of 512/, 'embed', film, '--dimension', '128'],
      [2, /^reelvec: --port \(REELVEC_PORT\) must be a number: got "high"\.$/m, 'serve', '--port', 'high'],
      [2, /--port \(REELVEC_PORT\) must be at most 65535: got "70000"/, 'serve', '--port', '70000'],
      [
        2,
        /--log-level \(REELVEC_LOG_LEVEL\) must be one of fatal, error.*: got "loud"/,
        'serve',
        '--log-level',
        'loud',
      ],
      [2, /--public-url \(REELVEC_PUBLIC_URL\) must be a URL/, 'serve', '--public-url', 'here'],
      [2, /keys --help/, 'keys', 'burn'],
    ];
    await inTurns(calls, async ([expected, says, ...args]) => {
      const { code, stdout, stderr } = await reelvec(args, { env: { REELVEC_DATA_DIR: path('unused') } });
      assert.equal(code, expected, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, says);
      assert.match(stderr, /^reelvec: .+\n$/, 'one line, no stack');
      assert.equal(stdout.length, 0);
    });
    assert.equal((await reelvec([])).code, 2);
  });

  test('--version prints the version alone', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const { code, stdout, stderr } = await reelvec(['--version']);
    assert.deepEqual([code, stdout.toString(), stderr], [0, `${version}\n`, '']);
  });

  test('under `npm run`, paths are relative to the folder of the caller', async () => {
    const nested = path('nested');
    mkdirSync(nested);
    copyFileSync(film, join(nested, 'here.mp4'));
    const npm = { INIT_CWD: nested, npm_package_json: join(ROOT, 'package.json') };
    const args = ['embed', 'here.mp4', '--option', 'visual', '--scope', 'asset', '-o', 'out.json'];
    const { code, stderr } = await reelvec(args, { env: npm });
    assert.equal(code, 0, stderr);
    assert.ok(JSON.parse(readFileSync(join(nested, 'out.json'), 'utf8')).data.length > 0);
    const keys = await reelvec(['keys', 'list', '--data-dir', 'keys'], { env: npm });
    assert.deepEqual([keys.code, readdirSync(nested).includes('keys')], [0, true], keys.stderr);
    const other = await reelvec(['embed', 'here.mp4'], {
      env: { ...npm, npm_package_json: join(nested, 'package.json') },
    });
    assert.match(other.stderr, /There is no file/, "of another package's scripts, to that package");
  });

  test('models pull without a network says so within 2 s', async () => {
    const models = path('models');
    const started = performance.now();
    const plain = await reelvec(['--version']);
    const startMs = performance.now() - started;
    assert.equal(plain.code, 0);
    const refused = performance.now();
    const { code, stderr } = await reelvec(['models', 'pull', 'clip', '--models-dir', models], {
      env: { HF_ENDPOINT: 'http://127.0.0.1:9' },
    });
    const tookMs = performance.now() - refused;
    assert.equal(code, 1);
    assert.match(stderr, /^reelvec: 127\.0\.0\.1:9 cannot be reached \(ECONNREFUSED\): is there a network\? .*\n$/);
    assert.ok(tookMs < 2000 + 3 * startMs, `${tookMs} ms, ${startMs} of them to start a command`);
  });

  test('--help of every command shows examples', async () => {
    await inTurns([[], ['serve'], ['embed'], ['shots'], ['keys']], async (command) => {
      const { code, stdout, stderr } = await reelvec([...command, '--help']);
      assert.deepEqual([code, stderr], [0, '']);
      const example = ['reelvec', ...command].join(' ');
      assert.match(stdout.toString(), new RegExp(`Examples:\\n(.*\\n)*  (\\w+=\\S+ )?${example} `));
    });
  });

  test('SIGINT stops the work: exit code 1, no worker and no file left behind', async () => {
    const temporary = path('temporary');
    mkdirSync(temporary);
    const long = loopMedia(path('longer.mp4'), { of: film, times: 40, everySec: 12 });
    const child = spawn(process.execPath, [join(import.meta.dirname, '../src/cli.ts'), 'embed', long], {
      env: { PATH: process.env['PATH'], TMPDIR: temporary },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    await until(() => /real time/.test(stderr), 20_000, 'it is at work');
    const workers = childrenOf(child.pid!);
    child.kill('SIGINT');
    const [code] = await once(child, 'close');
    assert.equal(code, 1);
    assert.match(stderr, /reelvec: Stopped\.\n$/);
    assert.ok(workers.length > 0);
    await until(() => workers.every((pid) => !isAlive(pid)), 2000, 'no worker is left');
    assert.deepEqual(readdirSync(temporary), []);
  });
});

/** Runs items two at a time, because each starts a process. */
async function inTurns<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await run(item);
  };
  await Promise.all([worker(), worker()]);
}

function sorted(item: object): object {
  return Object.fromEntries(Object.entries(item).sort(([a], [b]) => a.localeCompare(b)));
}
