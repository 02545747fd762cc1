// Loaded into the server before its own code: lines on standard input such as `clock -600000` set its clock to be that
// many milliseconds away from the real one; `CLOCK_SHIFT` says how many it is away at the start.
import { isMainThread } from 'node:worker_threads';

const RealDate = Date;
let shift = Number(process.env['CLOCK_SHIFT'] ?? 0);

class ShiftedDate extends RealDate {
  constructor(...args: [] | ConstructorParameters<typeof Date>) {
    if (args.length === 0) super(ShiftedDate.now());
    else super(...args);
  }

  static override now(): number {
    return RealDate.now() + shift;
  }
}

globalThis.Date = ShiftedDate as DateConstructor;

if (isMainThread) {
  process.stdin.setEncoding('utf8').on('data', (text: string) => {
    for (const [, milliseconds] of text.matchAll(/^clock (-?\d+)$/gm)) shift = Number(milliseconds);
  });
  process.stdin.unref();
}
