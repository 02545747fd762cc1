import { writeSync } from 'node:fs';

const STANDARD_OUTPUT = 1;

/** How much may wait for whoever reads it, in bytes; what comes then is dropped. */
const WAITING_MAX = 1_048_576;

/** How often it is tried again while nobody reads, in milliseconds. */
const RETRY_MS = 50;

/** How long the end of the process waits for whoever reads it, in milliseconds. */
const LAST_WAIT_MS = 500;
const SLEEPER = new Int32Array(new SharedArrayBuffer(4));

/**
 * Standard output, written at once and in the order of the calls. It never holds up the event loop: where it is a pipe
 * that nobody reads, lines wait, up to a megabyte; then they are dropped and counted. What a full disk does not take is
 * lost. Not pino's own destination, which ends the process by an error then, and tries for ever while it ends.
 */
export class Output {
  /** Told how many texts were dropped, once writing goes on. */
  onBack: (dropped: number) => void = () => {};
  #waiting: Buffer[] = [];
  #bytes = 0;
  #dropped = 0;
  #retry: NodeJS.Timeout | undefined;
  readonly #atExit = () => this.#writeLast();

  constructor() {
    // Node makes a pipe non-blocking when it opens the stream, which is not used for more.
    void process.stdout;
  }

  /** Writes a text, or keeps it for later. */
  write(text: string): void {
    if (this.#bytes > WAITING_MAX) {
      this.#dropped++;
      return;
    }
    const bytes = Buffer.from(text);
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
    if (this.#retry === undefined) this.#writeOut();
  }

  #writeOut(): void {
    if (this.#retry !== undefined) this.#rest();
    if (!this.#take()) {
      this.#retry = setTimeout(() => this.#writeOut(), RETRY_MS).unref();
      process.once('exit', this.#atExit);
      return;
    }
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.onBack(dropped);
  }

  #rest(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    process.off('exit', this.#atExit);
  }

  /** Writes what it can of what waits; false when some is left. */
  #take(): boolean {
    const bytes = this.#waiting.length === 1 ? this.#waiting[0] : Buffer.concat(this.#waiting);
    let at = 0;
    try {
      while (bytes !== undefined && at < bytes.length) at += writeSync(STANDARD_OUTPUT, bytes, at);
      this.#waiting = [];
    } catch (error) {
      const full = (error as NodeJS.ErrnoException).code === 'EAGAIN';
      // There is nowhere to say what else it may be.
      this.#waiting = full && bytes !== undefined ? [bytes.subarray(at)] : [];
    }
    this.#bytes = this.#waiting[0]?.length ?? 0;
    return this.#waiting.length === 0;
  }

  #writeLast(): void {
    const until = performance.now() + LAST_WAIT_MS;
    while (!this.#take() && performance.now() < until) Atomics.wait(SLEEPER, 0, 0, 10);
  }
}
