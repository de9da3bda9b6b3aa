import type { MultipartUploads } from '../../../assets/multipart/service.ts';
import type { IdempotencyKeys } from '../../../idempotency/keys.ts';
import type { SignedLinks } from '../../signed-links.ts';

export interface MultipartDeps {
  readonly multipart: MultipartUploads;
  readonly links: SignedLinks;
  readonly idempotency: IdempotencyKeys;
  /** Where clients reach the server; without it, the host that a request names. */
  readonly publicUrl?: string;
}
