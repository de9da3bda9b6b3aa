import type { MediaKind } from '../domain/media-kind.ts';
import type { Option } from '../domain/option.ts';
import type { Scope } from '../domain/scope.ts';
import type { Segmentation } from '../domain/segmentation.ts';
import type { TimeRange } from '../domain/time-range.ts';

/** Location of the media. Base64 and uploads are stored as the task's own blob before the task exists. */
export type Source =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'base64' }
  /** File of a form. */
  | { readonly kind: 'upload' }
  | { readonly kind: 'asset'; readonly assetId: string }
  /** Local file, on the command line. */
  | { readonly kind: 'file' };

/** Text about a time range, or about a moment if both ends are equal. */
export interface Note extends TimeRange {
  readonly text: string;
}

/** Validated request with all defaults filled in. */
export interface TaskRequest {
  /** An image has no time range: the fields about time and scope mean nothing. */
  readonly inputType: MediaKind;
  readonly modelName: string;
  readonly source: Source;
  /** File name from the URL or the asset, if known. */
  readonly filename?: string;
  /** Seconds from the start of the file. */
  readonly startSec: number;
  /** Seconds from the start of the file; undefined means the end. */
  readonly endSec?: number;
  readonly segmentation: Segmentation;
  readonly options: readonly Option[];
  readonly scopes: readonly Scope[];
  /** Scopes in the words of the request; undefined if they equal `scopes`. */
  readonly requestedScopes?: readonly (Scope | 'local')[];
  /** Fused vectors, in addition to those of each option or instead of them; undefined means none. */
  readonly fused?: 'beside' | 'instead';
  /** Texts that join the fused vectors of the segments that they overlap. */
  readonly notes?: readonly Note[];
  /** Length of the vectors, one of the bundle's `dimensions`; undefined means `DIMENSION`. */
  readonly dimension?: number;
}
