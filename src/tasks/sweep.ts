import type { BlobStore } from '../store/blobs.ts';
import type { TaskRepository } from './repository.ts';

/**
 * Removes what tasks left behind that are gone: a crash may come between a row's end and its blobs'. At start only,
 * because a task that is being created has blobs before it has a row.
 */
export async function sweepTaskBlobs({ tasks, blobs }: { tasks: TaskRepository; blobs: BlobStore }): Promise<void> {
  const gone = new Set<string>();
  for await (const { key } of blobs.list('tasks/')) {
    const id = key.split('/')[1]!;
    if (!gone.has(id) && !(await tasks.get(id))) gone.add(id);
  }
  for (const id of gone) await blobs.remove(`tasks/${id}/`);
}
