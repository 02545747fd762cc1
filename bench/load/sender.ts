import { type Connection, FIRST_SEND_ID, type MessageSender } from './connection.ts';
import { clientFrame, OPCODE } from './frames.ts';
import type { Meter } from './meter.ts';

const ID_DIGITS = 7;
const STAMP_DIGITS = 16;
/** Ids run up to here and begin again: no window comes near it. */
const ID_COUNT = 8_000_000;
const TIMES = 16_384;

function writeDigits(target: Buffer, at: number, digits: number, value: number): void {
  let rest = value;
  for (let i = at + digits - 1; i >= at; i--) {
    const next = Math.floor(rest / 10);
    target[i] = 0x30 + rest - next * 10;
    rest = next;
  }
}

/** Sends messages to one room on one connection, stamped with their send time, and keeps count of what is outstanding. */
export class Sender implements MessageSender {
  /** Sent and not yet received back. */
  undelivered = 0;
  /** Sent and not yet answered. */
  unanswered = 0;
  /** Sent and not refused, since the beginning. */
  accepted = 0;
  /** Called when a message came back or was refused: a place in the window is free. */
  onFree: (() => void) | null = null;
  /** Called when a send was answered. */
  onAnswer: (() => void) | null = null;
  readonly #connection: Connection;
  readonly #meter: Meter;
  readonly #template: Buffer;
  readonly #idAt: number;
  readonly #stampAt: number;
  readonly #times = new Float64Array(TIMES);
  #next = 0;

  /** Messages will have a content of `bytes` bytes, at least 17: `T`, the stamp in µs in 16 digits, and filling. */
  constructor(connection: Connection, meter: Meter, room: { id: string; bytes: number }) {
    this.#connection = connection;
    this.#meter = meter;
    const filling = 'x'.repeat(Math.max(0, room.bytes - 1 - STAMP_DIGITS));
    const content = `T${'0'.repeat(STAMP_DIGITS)}${filling}`;
    const packet = `42${FIRST_SEND_ID}${JSON.stringify(['send_message', { room_id: room.id, content }])}`;
    this.#template = clientFrame(OPCODE.text, packet);
    this.#idAt = this.#template.indexOf(`42${FIRST_SEND_ID}`) + 2;
    this.#stampAt = this.#template.indexOf('"T0') + 2;
    connection.sender = this;
  }

  /** Sends one message. `time` is its stamp, in milliseconds of `performance.now()`. */
  post(time: number = performance.now()): void {
    const place = this.#next;
    this.#next = (place + 1) % ID_COUNT;
    this.#times[place % TIMES] = time;
    const frame = Buffer.from(this.#template);
    writeDigits(frame, this.#idAt, ID_DIGITS, FIRST_SEND_ID + place);
    writeDigits(frame, this.#stampAt, STAMP_DIGITS, Math.round(time * 1000));
    this.undelivered += 1;
    this.unanswered += 1;
    this.accepted += 1;
    this.#meter.sent += 1;
    this.#connection.write(frame);
  }

  /** Starts again with nothing outstanding. */
  forget(): void {
    this.undelivered = 0;
    this.unanswered = 0;
  }

  delivered(): void {
    this.undelivered -= 1;
    this.onFree?.();
  }

  answered(id: number, ok: boolean): void {
    this.unanswered -= 1;
    const meter = this.#meter;
    const time = this.#times[(id - FIRST_SEND_ID) % TIMES] as number;
    meter.acknowledgement.record((meter.now - time) * 1000);
    if (ok) meter.acknowledged += 1;
    else {
      meter.refused += 1;
      this.accepted -= 1;
      this.undelivered -= 1;
      // A refusal must not become a loop that spins: the server is given a moment.
      setTimeout(() => this.onFree?.(), 10);
    }
    this.onAnswer?.();
  }
}
