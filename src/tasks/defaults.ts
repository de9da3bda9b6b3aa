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

/** Model generation whose defaults apply. */
export type Generation = 'first' | 'second';

interface Defaults {
  readonly options: readonly Option[];
  readonly scopes: readonly Scope[];
  readonly segmentation: Segmentation;
}

/** Defaults of a request: of the first generation (marengo3.0) or the second (marengo3.5). */
export function defaultsOf(generation: Generation, inputType: InputType): Defaults {
  const scopes = DEFAULT_SCOPES;
  if (generation === 'first') {
    return { options: DEFAULT_OPTIONS[inputType], scopes, segmentation: DEFAULT_SEGMENTATION[inputType] };
  }
  const options = DEFAULT_OPTIONS[inputType].filter((option) => option !== 'transcription');
  return { options, scopes, segmentation: { strategy: 'dynamic', minDurationSec: 2 } };
}
