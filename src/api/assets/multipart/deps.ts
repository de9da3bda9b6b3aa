import type { MultipartUploads } from '../../../assets/multipart/service.ts';
import type { IdempotencyKeys } from '../../../idempotency/keys.ts';
import type { SignedLinks } from '../../signed-links.ts';

export interface MultipartDeps {
  readonly multipart: MultipartUploads;
  readonly links: SignedLinks;
  readonly idempotency: IdempotencyKeys;
  /** URL under which clients reach the server; default: the host of the request. */
  readonly publicUrl?: string;
}
