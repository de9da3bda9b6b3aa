/** The command was called wrongly: exit code 2. */
export class UsageError extends Error {}

/** The command failed for a reason that its message tells in full: exit code 1, without a stack. */
export class CommandError extends Error {}
