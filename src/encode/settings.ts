import type { Device, InferenceSettings } from '../config.ts';

/** How a process that encodes goes about it. */
export interface EncodeSettings {
  /** Folder of the files of models, absolute. */
  readonly modelsDir: string;
  readonly device: Device;
  /** As `device`, for whisper.cpp, which has other ways to a GPU. */
  readonly speechDevice: Device;
  /** Threads of one model that runs. */
  readonly threads: number;
  /** Time without work after which a model is unloaded, in milliseconds. */
  readonly modelIdleMs: number;
  /** Servers that run the models of encoders of the kind `inference-server`. */
  readonly inference: InferenceSettings;
}
