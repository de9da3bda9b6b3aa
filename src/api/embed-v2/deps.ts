import type { DedupedMedia } from '../../assets/deduped-media.ts';
import type { IdempotencyKeys } from '../../idempotency/keys.ts';
import type { QueryService } from '../../queries/service.ts';
import type { CreateTaskDeps } from '../../tasks/create.ts';

/** Dependencies of the routes under `/embed-v2`. */
export interface EmbedDeps extends CreateTaskDeps {
  readonly queries: QueryService;
  readonly dedupedMedia: DedupedMedia;
  readonly idempotency: IdempotencyKeys;
  /** Model names that requests may have. */
  readonly modelNames: readonly string[];
  /** URL under which clients reach the server; default: the host of the request. */
  readonly publicUrl?: string;
}
