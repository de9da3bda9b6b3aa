/** Time without a byte after which a request gives way to its repetition. Milliseconds. */
const STALL_TIMEOUT_MS = 10_000;
/** Interval of checks for a stalled request while its repetition waits. Milliseconds. */
const STALL_CHECK_INTERVAL_MS = 500;

export interface Writer<Result> {
  /** Stores the content of the request. Must end soon after `replaced` is aborted. */
  write(replaced: AbortSignal): Promise<Result>;
  /** Reads and discards the content, because the request before this one has stored it with `result`. */
  discard(result: Result): Promise<Result>;
  /** Bytes received so far; undefined while none are awaited. */
  receivedBytes(): number | undefined;
}

/**
 * Serializes the requests that store the same content, by key. A request waits for the one before it and gets its result;
 * if that one fails, or receives no byte for {@link STALL_TIMEOUT_MS}, the request stores its own content. Thus neither the
 * unnoticed remains of an interrupted request nor one that is processed late can write into its repetition or end it.
 */
export class SingleWriter<Result> {
  readonly #stallTimeoutMs: number;
  readonly #last = new Map<string, Attempt<Result>>();

  constructor({ stallTimeoutMs = STALL_TIMEOUT_MS }: { stallTimeoutMs?: number } = {}) {
    this.#stallTimeoutMs = stallTimeoutMs;
  }

  async run(key: string, writer: Writer<Result>): Promise<Result> {
    const attempt = new Attempt(writer, this.#last.get(key), this.#stallTimeoutMs);
    this.#last.set(key, attempt);
    try {
      return await attempt.result;
    } finally {
      if (this.#last.get(key) === attempt) this.#last.delete(key);
    }
  }
}

class Attempt<Result> {
  readonly result: Promise<Result>;
  readonly #writer: Writer<Result>;
  readonly #replaced = new AbortController();

  constructor(writer: Writer<Result>, previous: Attempt<Result> | undefined, stallTimeoutMs: number) {
    this.#writer = writer;
    this.result = this.#run(previous, stallTimeoutMs);
  }

  async #run(previous: Attempt<Result> | undefined, stallTimeoutMs: number): Promise<Result> {
    const result = await previous?.outcome(stallTimeoutMs);
    return result === undefined ? this.#writer.write(this.#replaced.signal) : this.#writer.discard(result);
  }

  /** Waits for the end, and aborts the request once it has stalled. @returns undefined if it failed */
  async outcome(stallTimeoutMs: number): Promise<Result | undefined> {
    let last = { bytes: this.#writer.receivedBytes(), atMs: performance.now() };
    const check = () => {
      const bytes = this.#writer.receivedBytes();
      if (bytes === undefined || bytes !== last.bytes) last = { bytes, atMs: performance.now() };
      else if (performance.now() - last.atMs >= stallTimeoutMs) this.#replaced.abort(new Error('Sent again.'));
    };
    const timer = setInterval(check, Math.min(STALL_CHECK_INTERVAL_MS, stallTimeoutMs));
    try {
      return await this.result;
    } catch {
      return undefined;
    } finally {
      clearInterval(timer);
    }
  }
}
