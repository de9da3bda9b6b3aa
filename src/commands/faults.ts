/** Wrong usage of a command; exit code 2. */
export class UsageError extends Error {}

/** Failure with a complete message for the operator; exit code 1, without a stack trace. */
export class CommandError extends Error {}
