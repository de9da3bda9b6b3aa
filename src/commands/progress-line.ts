/** Width of the progress bar in characters. */
const BAR_WIDTH = 30;
/** Minimum time between redraws of the bar on a terminal, in milliseconds. */
const BAR_INTERVAL_MS = 50;
/** Minimum time between progress lines without a terminal, in milliseconds. */
const LINE_INTERVAL_MS = 5000;

/** Progress on standard error: a bar on a terminal, a line every few seconds elsewhere. */
export class ProgressLine {
  readonly #started = performance.now();
  #last = Number.NEGATIVE_INFINITY;

  /**
   * Shows a fraction and the speed.
   * @param fraction 0 to 1
   * @param doneSec seconds of media processed
   */
  fraction(fraction: number, doneSec: number): void {
    const percent = `${(100 * fraction).toFixed(0)} %`;
    const speed = this.#speed(doneSec);
    this.#show({ bar: `${bar(fraction)} ${percent.padStart(5)} ${speed}`, line: `${percent} ${speed}` });
  }

  /** Shows the seconds of media processed, for work of unknown length. */
  seconds(doneSec: number): void {
    const text = `${doneSec.toFixed(0)} s ${this.#speed(doneSec)}`;
    this.#show({ bar: text, line: text });
  }

  /** Shows the progress of a download. @param size total bytes; 0 if unknown */
  bytes(name: string, done: number, size: number): void {
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
    const share = size > 0 ? Math.min(1, done / size) : 0;
    const of = size > 0 ? ` of ${megabytes(size)}` : '';
    const text = `${name} ${megabytes(done)}${of} MB`;
    this.#show({ bar: `${size > 0 ? `${bar(share)} ` : ''}${text}`, line: text });
  }

  /** Erases the bar, so that other output starts on an empty line. */
  clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }

  #show(text: { bar: string; line: string }): void {
    const { isTTY } = process.stderr;
    if (performance.now() - this.#last < (isTTY ? BAR_INTERVAL_MS : LINE_INTERVAL_MS)) return;
    this.#last = performance.now();
    process.stderr.write(isTTY ? `\r\x1b[K${text.bar}` : `${text.line}\n`);
  }

  #speed(doneSec: number): string {
    const elapsedSec = (performance.now() - this.#started) / 1000;
    return `(${(doneSec / elapsedSec).toFixed(1)}× real time)`;
  }
}

function bar(fraction: number): string {
  const filled = Math.round(fraction * BAR_WIDTH);
  return `[${'█'.repeat(filled)}${'·'.repeat(BAR_WIDTH - filled)}]`;
}
