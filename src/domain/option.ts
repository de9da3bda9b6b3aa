/** Embedding options: the aspects of media that a vector can describe. In the order in which results list them. */
export const OPTIONS = ['visual', 'audio', 'transcription'] as const;

/** Aspect of media that a vector describes. */
export type Option = (typeof OPTIONS)[number];

/** Options whose input is decoded from a track of its own, and which damage to that track affects. */
export const TRACK_OPTIONS = ['visual', 'audio'] as const satisfies readonly Option[];

/** Option whose input is decoded from a track of its own. */
export type TrackOption = (typeof TRACK_OPTIONS)[number];

/** Option of a vector: a single one, or the fusion of all requested ones. */
export type RowOption = Option | 'fused';
