import type { InputType } from '../domain/media-kind.ts';
import { OPTIONS, type Option } from '../domain/option.ts';
import { SCOPES, type Scope } from '../domain/scope.ts';
import type { Segmentation } from '../domain/segmentation.ts';

/** Default options by input type: all that such media can have. */
export const DEFAULT_OPTIONS: Readonly<Record<InputType, readonly Option[]>> = {
  video: OPTIONS,
  audio: OPTIONS.filter((option) => option !== 'visual'),
};

/** Default scopes. */
export const DEFAULT_SCOPES: readonly Scope[] = SCOPES;

/** Default segmentation by type of input. */
export const DEFAULT_SEGMENTATION: Readonly<Record<InputType, Segmentation>> = {
  video: { strategy: 'dynamic', minDurationSec: 4 },
  audio: { strategy: 'fixed', durationSec: 6 },
};
