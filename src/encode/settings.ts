import type { Device, InferenceSettings } from '../config.ts';

/** Settings of a process that encodes. */
export interface EncodeSettings {
  /** Absolute path of the folder with model files. */
  readonly modelsDir: string;
  /** Device for onnxruntime. */
  readonly device: Device;
  /** Device for whisper.cpp, which supports other GPUs than onnxruntime. */
  readonly speechDevice: Device;
  /** Threads per running model. */
  readonly threads: number;
  /** Idle time after which a model is unloaded, in milliseconds. */
  readonly modelIdleMs: number;
  /** Servers for encoders of the kind `inference-server`. */
  readonly inference: InferenceSettings;
}
