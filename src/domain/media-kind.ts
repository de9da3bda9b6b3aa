/** Kinds of media that a client can store as an asset. */
export const MEDIA_KINDS = ['video', 'audio', 'image'] as const;

/** Kind of media, as an asset and as the prefix of error codes. */
export type MediaKind = (typeof MEDIA_KINDS)[number];

/** Kinds of media that a task can embed (`input_type`). */
export const INPUT_TYPES = ['video', 'audio'] as const satisfies readonly MediaKind[];

/** Kind of media that a task embeds. */
export type InputType = (typeof INPUT_TYPES)[number];
