import assert from 'node:assert/strict';
import { mock, type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { MemoryBlobStore } from '../../test/support/memory-blobs.ts';
import { NO_POSTGRES, startPostgres } from '../../test/support/postgres.ts';
import { seededRandom } from '../../test/support/seeded-random.ts';
import { assetKey, mediaKey } from '../assets/blobs.ts';
import { DedupedMedia } from '../assets/deduped-media.ts';
import { UploadRepository } from '../assets/multipart/repository.ts';
import { openAssets } from '../assets/open.ts';
import type { MediaInspectors } from '../assets/prepare.ts';
import { AssetRepository } from '../assets/repository.ts';
import { BlobNotFound } from '../blobs/store.ts';
import type { UploadStore } from '../blobs/uploads.ts';
import { newId } from '../database/ids.ts';
import { type Db, isForeignKeyViolation, openDatabase } from '../database/open.ts';
import { isReelvecError } from '../errors.ts';
import { InFlightSteps } from '../jobs/in-flight-steps.ts';
import { Quotas } from '../quotas/quotas.ts';
import { storedBytes } from '../quotas/usage.ts';
import { TaskRepository } from '../tasks/repository.ts';
import type { TaskRequest } from '../tasks/request.ts';
import { resultKey, sourceKey } from '../tasks/work.ts';
import { sweepDue, sweepOrphans } from './sweep.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const OWNERS = ['one', 'two'];
const MP4 = Buffer.from('\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41', 'latin1');
/** Few contents, so that assets share them. */
const CONTENTS = [100, 200, 300].map((size) => Buffer.concat([MP4, Buffer.alloc(size, size)]));

/** Lets other actors run, then maybe ends the process: the promise never settles then. */
type Die = () => Promise<void>;

/** Wraps an object so that the process may die before and after each asynchronous method. */
function mortal<T extends object>(target: T, die: Die): T {
  return new Proxy(target, {
    get(_, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]) => {
        // Streams and lists are synchronous and change nothing.
        if (name === 'read' || name === 'list') return value.apply(target, given);
        return (async () => {
          await die();
          const result = await value.apply(target, given);
          await die();
          return result;
        })();
      };
    },
  });
}

async function world(db: Db, random: () => number) {
  const blobs = new MemoryBlobStore();
  const log = pino({ level: 'silent' });
  const signal = new AbortController().signal;
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];
  const uploadStore = { sweep: async () => 0 } as unknown as UploadStore;

  /** Simulates a process with its own objects, which dies at each step with the probability `mortality`. */
  const actor = (mortality: number) => {
    const dead = Promise.withResolvers<void>();
    const die: Die = async () => {
      // Usually a short wait, sometimes one that outlasts many steps of the others.
      const longest = random() < 0.8 ? 3 : 60;
      for (let turns = Math.floor(random() * longest); turns > 0; turns--) await new Promise(setImmediate);
      if (random() >= mortality) return;
      dead.resolve();
      await new Promise(() => {});
    };
    const its = mortal(blobs, die);
    const dedupedMedia = new DedupedMedia(db, its);
    const assets = mortal(new AssetRepository(db), die);
    const tasks = mortal(new TaskRepository(db), die);
    const uploads = mortal(new UploadRepository(db), die);
    const prepare = (id: string) => opened.prepare(id, signal);
    const opened = openAssets({
      assets,
      uploads,
      blobs: its,
      dedupedMedia,
      uploadStore,
      quotas: new Quotas(db, {}),
      urls: undefined as never,
      limits: { maxVideoBytes: 1_000_000, maxAudioBytes: 1_000_000, maxImageBytes: 0, maxUploadBytes: 1_000_000 },
      inspectors: {
        probe: async () => ({
          format: 'mp4',
          mimeType: 'video/mp4',
          size: 1,
          durationSec: 10,
          bitRate: 1,
          trackCounts: { video: 1, audio: 0, subtitles: 0 },
        }),
      } as unknown as MediaInspectors,
      users: { tasksUsing: (id) => tasks.usingAsset(id), fail: (id, error) => tasks.setFailed(id, error) },
      // The run is executed at once.
      engine: { start: async (_workflow, _input, id) => prepare(id).then(() => id) },
      steps: new InFlightSteps(signal, log),
      log,
    });
    const { service } = opened;
    const sweep = {
      db,
      blobs: its,
      dedupedMedia,
      uploadStore,
      keep: { resultTtlMs: 7 * DAY_MS, assetTtlMs: 30 * DAY_MS },
      place: 'memory',
      log,
    };
    const run = (work: Promise<unknown>) =>
      Promise.race([
        work.catch((error) => {
          // Two actors may prepare an asset concurrently, which one engine never does. One of them may lose its copy, and
          // would be retried.
          if (!isReelvecError(error) && !(error instanceof BlobNotFound)) throw error;
        }),
        dead.promise,
      ]);
    return { die, its, dedupedMedia, assets, tasks, uploads, prepare, service, sweep, run };
  };
  const immortal = actor(0);

  const request = (source: TaskRequest['source']) => ({ inputType: 'video', modelName: 'm', source }) as TaskRequest;
  const someAsset = async () => pick(await db.selectFrom('assets').selectAll().execute());
  const someTask = async (status: 'processing' | 'ready') =>
    pick(await db.selectFrom('tasks').selectAll().where('status', '=', status).execute());

  const deeds: ((me: ReturnType<typeof actor>) => Promise<unknown>)[] = [
    async ({ service }) => {
      const owner = pick(OWNERS)!;
      const upload = await service.receive([pick(CONTENTS)!] as never, owner);
      await service.createDirect(upload, { owner, filename: 'f' });
    },
    async ({ its, uploads, prepare }) => {
      const [id, assetId, owner] = [newId(), newId(), pick(OWNERS)!];
      const content = pick(CONTENTS)!;
      const expiresAt = new Date(Date.now() + DAY_MS).toISOString();
      const facts = {
        owner,
        filename: 'f',
        type: 'video' as const,
        totalSize: content.length,
        chunkSize: content.length,
      };
      await uploads.create({ id, assetId, ...facts, assetOptions: {}, expiresAt } as never, async () => {});
      await its.write(assetKey(assetId), content);
      if (await uploads.finish(id, { id: assetId, owner, method: 'multipart', filename: 'f' })) await prepare(assetId);
    },
    async ({ service }) => {
      const asset = await someAsset();
      if (asset) await service.delete(asset.id, asset.owner, { force: random() < 0.5 });
    },
    async ({ assets, tasks }) => {
      const asset = await someAsset();
      const found = asset && (await assets.get(asset.id));
      if (found?.status !== 'ready') return;
      const row = { id: newId(), owner: found.owner, bundle: 'b', contentId: found.contentId };
      await tasks.create({ ...row, request: request({ kind: 'asset', assetId: found.id }) }).catch((error) => {
        // The asset and its content were deleted in between.
        if (!isForeignKeyViolation(error)) throw error;
      });
    },
    async ({ its, tasks }) => {
      const id = newId();
      await its.write(sourceKey(id), pick(CONTENTS)!);
      await tasks.create({ id, owner: pick(OWNERS)!, bundle: 'b', request: request({ kind: 'base64' } as never) });
    },
    async ({ its, tasks, dedupedMedia }) => {
      const task = await someTask('processing');
      if (!task) return;
      if (random() < 0.3) await tasks.setFailed(task.id, { code: 'video_file_broken', message: 'm' });
      else {
        await its.write(resultKey(task.id), Buffer.from('result'));
        await tasks.setReady(task.id, []);
      }
      await its.remove(sourceKey(task.id));
      await dedupedMedia.release(task.content_id ?? undefined);
    },
    async ({ its, tasks, dedupedMedia }) => {
      const task = await someTask(random() < 0.5 ? 'processing' : 'ready');
      const deleted = task && (await tasks.delete(task.id, task.owner));
      if (!deleted) return;
      await its.remove(`tasks/${task.id}/`);
      await dedupedMedia.release(deleted.contentId);
    },
    async ({ prepare }) => {
      const asset = await someAsset();
      if (asset) await prepare(asset.id);
    },
    async ({ sweep }) => sweepDue(sweep),
    async ({ sweep }) => sweepOrphans(sweep),
    async ({ uploads }) => uploads.expire(new Date()),
  ];

  /** Keys of all blobs that live rows refer to. */
  const named = async () => {
    const names = new Set<string>();
    for (const asset of await db.selectFrom('assets').selectAll().execute()) {
      if (asset.status !== 'failed') names.add(mediaKey({ id: asset.id, contentId: asset.content_id ?? undefined }));
    }
    for (const task of await db.selectFrom('tasks').selectAll().execute()) {
      if (task.status === 'ready') names.add(resultKey(task.id));
      if (task.status !== 'processing') continue;
      names.add(task.content_id === null ? sourceKey(task.id) : assetKey(task.content_id));
    }
    return names;
  };
  return { blobs, actor, immortal, deeds, named, pick };
}

const PROMISE = 'whatever dies when, no live row loses its blob, and in the end nothing is left that no row names';

test(`${PROMISE}; with SQLite`, (t) => liveAndDie(t, { rounds: 12, open: () => openDatabase(':memory:') }));

test(`${PROMISE}; with PostgreSQL`, { skip: NO_POSTGRES ?? false }, async (t) => {
  await using postgres = await startPostgres({ fsync: 'off' });
  await liveAndDie(t, { rounds: 3, open: async () => openDatabase(await postgres.database()) });
});

async function liveAndDie(t: TestContext, { rounds, open }: { rounds: number; open: () => Promise<Db> }) {
  const below = seededRandom(t);
  const random = () => below(1_000_000) / 1_000_000;
  mock.timers.enable({ apis: ['Date', 'setInterval'], now: Date.UTC(2030, 0, 1) });
  t.after(() => mock.timers.reset());
  let shared = 0;
  for (let round = 0; round < rounds; round++) {
    await using db = await open();
    const { blobs, actor, immortal, deeds, named, pick } = await world(db, random);
    for (let burst = 0; burst < 25; burst++) {
      const acts = Array.from({ length: 8 }, async () => {
        const me = actor(random() < 0.5 ? 0.08 : 0);
        await me.run(me.die().then(() => pick(deeds)!(me)));
      });
      await Promise.all(acts);
      // The media is intact, so a failed asset has lost its blob.
      const failed = await db.selectFrom('assets').select('id').where('status', '=', 'failed').execute();
      assert.deepEqual(failed, []);
      for (const name of await named()) assert.ok(blobs.blobs.has(name), `${name} is lost`);
      mock.timers.setTime(Date.now() + Math.floor(random() * (random() < 0.1 ? 9 * DAY_MS : 3 * HOUR_MS)));
    }
    // Restart: unfinished work is completed, and sweeps run.
    for (const { id } of await db.selectFrom('assets').select('id').where('status', '=', 'processing').execute()) {
      await immortal.prepare(id);
    }
    await immortal.uploads.expire(new Date(Date.now() + 2 * DAY_MS));
    // Enough needed blobs that the orphans are less than a tenth.
    const filler = Array.from({ length: 10 * blobs.blobs.size }, (_, i) => `other/${i}`);
    for (const key of filler) await blobs.write(key, Buffer.alloc(0));
    // Longer than the grace period and than a hold, in steps that start no hold.
    for (let hours = 0; hours < 48; hours += 20) {
      mock.timers.setTime(Date.now() + 20 * HOUR_MS);
      await sweepDue(immortal.sweep);
      await sweepOrphans(immortal.sweep);
    }
    for (const key of [...filler, ...[...blobs.blobs.keys()].filter((key) => key.startsWith('database/'))]) {
      blobs.blobs.delete(key);
    }
    // Blobs of unfinished tasks may remain.
    const unended = await db.selectFrom('tasks').select('id').where('status', '=', 'processing').execute();
    const names = await named();
    const left = [...blobs.blobs.keys()].filter(
      (key) => names.has(key) || !unended.some(({ id }) => key.startsWith(`tasks/${id}/`)),
    );
    assert.deepEqual(left.sort(), [...names].sort());

    // An owner's content is stored and counted once.
    for (const owner of OWNERS) {
      const contents = await db.selectFrom('contents').selectAll().where('owner', '=', owner).execute();
      assert.ok(contents.length <= CONTENTS.length);
      const bytes = contents.reduce((sum, { id }) => sum + blobs.blobs.get(assetKey(id))!.bytes.length, 0);
      assert.equal(await storedBytes(db, owner), bytes);
      const { count } = await db
        .selectFrom('assets')
        .where('owner', '=', owner)
        .where('content_id', 'is not', null)
        .select((e) => e.fn.countAll().as('count'))
        .executeTakeFirstOrThrow();
      shared += Number(count) - contents.length;
    }
  }
  assert.ok(shared > 0, 'some assets had the same content');
}
