import { SetupError } from '../setup-error.ts';

/** Older code must not touch what it does not know: nothing is wrong but the version. */
export class NewerSchema extends SetupError {}
