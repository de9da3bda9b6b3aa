import { availableParallelism } from 'node:os';
import { bundleFileOf } from './bundles.ts';
import { measureCoreSpeed } from './onnx/core-speed.ts';
import { SIGNAL } from './signal/bundle.ts';

/** Speed of a machine that runs models on its processor. */
export interface MachineSpeed {
  /** Gigaflop per second of float32 matrix products on one core. */
  readonly coreSpeed: number;
  readonly cores: number;
}

/** Measures this machine in a fraction of a second. @throws {Error} if onnxruntime is not installed */
export async function measureMachine(): Promise<MachineSpeed> {
  return { coreSpeed: await measureCoreSpeed(), cores: availableParallelism() };
}

/**
 * Estimated hours of work per hour of film with all cores, for all options, if every picture differs and speech is
 * recognised. Undefined for bundles without a figure.
 */
export function workHours(bundle: string, { coreSpeed, cores }: MachineSpeed): number | undefined {
  if (bundle === SIGNAL.name) return undefined;
  const { teraflopPerHour } = bundleFileOf(bundle).expect;
  return teraflopPerHour === undefined ? undefined : (teraflopPerHour * 1000) / (coreSpeed * cores) / 3600;
}

/** Text for hours: `0.35`, `4.2`, `17`. */
export function formatHours(hours: number): string {
  return hours >= 10 ? hours.toFixed(0) : String(Number(hours.toPrecision(2)));
}
