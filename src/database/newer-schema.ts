import { SetupError } from '../setup-error.ts';

/** The schema was written by a newer version, which this one must not touch. Nothing else is wrong. */
export class NewerSchema extends SetupError {}
