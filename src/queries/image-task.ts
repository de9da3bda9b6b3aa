import type { BlobStore } from '../blobs/store.ts';
import { newId } from '../database/ids.ts';
import type { OnCreated } from '../database/open.ts';
import { DIMENSION } from '../encode/encoder.ts';
import { bundleId } from '../tasks/embedding.ts';
import type { Task, TaskRepository } from '../tasks/repository.ts';
import type { TaskRequest } from '../tasks/request.ts';
import { ArrowRows, ASSET_SEGMENT } from '../tasks/results/arrow.ts';
import { resultKey } from '../tasks/work.ts';
import type { QuerySource } from './request.ts';
import type { QueryService } from './service.ts';
import { querySpaces } from './spaces.ts';

interface ImageTaskDeps {
  readonly queries: QueryService;
  readonly tasks: TaskRepository;
  readonly blobs: BlobStore;
}

/**
 * Creates the task of an image, which is embedded before: that takes no longer than a query, and its faults are known at
 * once. The task is ready from the start.
 * @throws {ReelvecError} for an unusable source, of which nothing is kept
 */
export async function createImageTask(
  { queries, tasks, blobs }: ImageTaskDeps,
  { owner, request, source }: { owner: string; request: TaskRequest; source: QuerySource },
  { signal, onCreated }: { signal: AbortSignal; onCreated?: OnCreated<Task> },
): Promise<Task> {
  const { bundle } = queries;
  const { dimension = DIMENSION } = request;
  const spaces = querySpaces(bundle, { inputType: 'image', hasText: false, hasPicture: true });
  const parts = [{ kind: 'picture' as const, field: 'image.media_source', source }];
  const { vectors, filenames } = await queries.vectors({ parts, textField: '', spaces, dimension }, { owner, signal });
  const id = newId();
  const facts = { task: id, bundle: bundleId(bundle) };
  const row = {
    segment: ASSET_SEGMENT,
    option: 'visual',
    scope: 'asset',
    startSec: Number.NaN,
    endSec: Number.NaN,
    embedding: vectors[0]!.embedding,
  } as const;
  const file = new ArrowRows(facts, dimension);
  await blobs.write(resultKey(id), Buffer.concat([file.add(row) ?? new Uint8Array(), file.end()]), { signal });
  try {
    const named = { ...request, filename: filenames[0] };
    return await tasks.createReady({ id, owner, request: named, bundle: facts.bundle }, onCreated);
  } catch (error) {
    await blobs.remove(`tasks/${id}/`);
    throw error;
  }
}
