/** Scopes of a vector: one segment (`clip`) or the whole range (`asset`). In the order in which results list them. */
export const SCOPES = ['clip', 'asset'] as const;

/** Part of the media that a vector stands for: one segment (`clip`) or the whole range (`asset`). */
export type Scope = (typeof SCOPES)[number];
