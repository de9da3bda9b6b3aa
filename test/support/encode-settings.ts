import type { EncodeSettings } from '../../src/encode/settings.ts';

/** Settings of encoders on one thread of the processor, without inference servers. */
export function encodeSettings(modelsDir: string): EncodeSettings {
  return {
    modelsDir,
    device: 'cpu',
    threads: 1,
    speechDevice: 'cpu',
    modelIdleMs: 60_000,
    inference: { urls: [], authorization: undefined, inFlight: 1, timeoutMs: 1000, patienceMs: 0 },
  };
}
