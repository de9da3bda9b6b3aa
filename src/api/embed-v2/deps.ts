import type { DedupedMedia } from '../../assets/deduped-media.ts';
import type { IdempotencyKeys } from '../../idempotency/keys.ts';
import type { QueryService } from '../../queries/service.ts';
import type { CreateTaskDeps } from '../../tasks/create.ts';

/** What the routes under `/embed-v2` work with. */
export interface EmbedDeps extends CreateTaskDeps {
  readonly queries: QueryService;
  readonly dedupedMedia: DedupedMedia;
  readonly idempotency: IdempotencyKeys;
  /** Where clients reach the server; without it, the host that the request names. */
  readonly publicUrl?: string;
}
