import type { Segmentation } from '../segment/segment.ts';

export type Option = 'visual' | 'audio' | 'transcription';
export type Scope = 'clip' | 'asset';
/** What a vector stands for: one option, or all that were asked for in one. */
export type RowOption = Option | 'fused';

/** Where the media comes from. Base64 is stored as the task's own blob before the task exists. */
export type Source =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'base64' }
  | { readonly kind: 'asset'; readonly assetId: string }
  /** A local file, on the command line. */
  | { readonly kind: 'file' };

/** What was asked for, validated, with every default filled in. */
export interface TaskRequest {
  readonly inputType: 'audio' | 'video';
  readonly modelName: string;
  readonly source: Source;
  /** Name of the file as the URL, the asset or nobody gives it. */
  readonly filename?: string;
  /** Seconds from the start of the file. */
  readonly startSec: number;
  /** Seconds from the start of the file; undefined is the end of it. */
  readonly endSec?: number;
  readonly segmentation: Segmentation;
  readonly options: readonly Option[];
  readonly scopes: readonly Scope[];
  /** Vectors that stand for all options at once: beside those of each, or instead of them. Absent: none. */
  readonly fused?: 'beside' | 'instead';
  /** Length of the vectors, one of the bundle's `dimensions`; absent: `DIMENSION`. */
  readonly dimension?: number;
}
