const BAR = 30;
/** How long after a bar the next is drawn, and after a plain line, where there is no terminal, the next written; milliseconds. */
const BAR_MS = 50;
const LINE_MS = 5000;

/** Progress on standard error: a bar that is drawn over on a terminal, a line now and then elsewhere. */
export class ProgressLine {
  readonly #started = performance.now();
  #last = Number.NEGATIVE_INFINITY;

  /** @param fraction 0 to 1 */
  fraction(fraction: number, doneSec: number): void {
    const percent = `${(100 * fraction).toFixed(0)} %`;
    const speed = this.#speed(doneSec);
    this.#tell({ bar: `${bar(fraction)} ${percent.padStart(5)} ${speed}`, line: `${percent} ${speed}` });
  }

  /** For work whose length is not known: seconds of media that are done. */
  seconds(doneSec: number): void {
    const text = `${doneSec.toFixed(0)} s ${this.#speed(doneSec)}`;
    this.#tell({ bar: text, line: text });
  }

  /** For files on their way. @param size 0 where it is not known */
  bytes(name: string, done: number, size: number): void {
    const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
    const share = size > 0 ? Math.min(1, done / size) : 0;
    const of = size > 0 ? ` of ${megabytes(size)}` : '';
    const text = `${name} ${megabytes(done)}${of} MB`;
    this.#tell({ bar: `${size > 0 ? `${bar(share)} ` : ''}${text}`, line: text });
  }

  clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }

  #tell(text: { bar: string; line: string }): void {
    const { isTTY } = process.stderr;
    if (performance.now() - this.#last < (isTTY ? BAR_MS : LINE_MS)) return;
    this.#last = performance.now();
    process.stderr.write(isTTY ? `\r\x1b[K${text.bar}` : `${text.line}\n`);
  }

  #speed(doneSec: number): string {
    const elapsedSec = (performance.now() - this.#started) / 1000;
    return `(${(doneSec / elapsedSec).toFixed(1)}× real time)`;
  }
}

function bar(fraction: number): string {
  const filled = Math.round(fraction * BAR);
  return `[${'█'.repeat(filled)}${'·'.repeat(BAR - filled)}]`;
}
