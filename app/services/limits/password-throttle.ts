import { Refusal } from '../../models/refusal.ts';
import { BoundedMap, type Kept } from './bounded-map.ts';

/** How many wrong passwords are borne, and for how long they are remembered. */
export interface PasswordThrottleOptions {
  /** Of a user for one room. */
  readonly perRoom: number;
  /** Of an address. */
  readonly perAddress: number;
  /** How long after the last wrong one all are forgotten, in milliseconds. */
  readonly forgetMs: number;
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
}

/** The wrong passwords of a key, and when the last one came; held: those that are being checked. */
interface Tally extends Kept {
  count: number;
  last: number;
}

/** One password that somebody tries; while it is checked it counts as wrong. End it by exactly one of the three. */
export interface Guess {
  /** How long the answer is to be held back if it is wrong, in milliseconds; grows with each wrong one. */
  readonly holdMs: number;
  /** It was right: what this user got wrong at this room is forgotten. */
  right(): void;
  /** It was wrong. */
  wrong(): void;
  /** It was not looked at: it does not count. */
  void(): void;
}

/** Who would have one guess too many only if all that are being checked are wrong may try again so soon. */
const CHECK_MS = 1_000;

const KEYS_MAX = 100_000;
const FIRST_HOLD_MS = 250;
const HOLD_MAX_MS = 4_000;

/** An address may stand for many people: its answers are held back from the sixth wrong password on. */
const ADDRESS_FREE = 5;
const ADDRESS_STEP_MS = 100;

/**
 * Slows down and then stops the guessing of room passwords. A key is forgotten only after a whole time without a wrong
 * password, so that no stretch of that time ever holds more than the limit, however guesses are spaced.
 */
export class PasswordThrottle {
  readonly #options: PasswordThrottleOptions;
  readonly #rooms: BoundedMap<Tally>;
  readonly #addresses: BoundedMap<Tally>;

  constructor(options: PasswordThrottleOptions) {
    this.#options = options;
    const create = (): Tally => ({ held: 0, count: 0, last: 0 });
    const idle = ({ last }: Tally, now: number) => now - last >= options.forgetMs;
    this.#rooms = new BoundedMap({ create, idle, max: KEYS_MAX });
    this.#addresses = new BoundedMap({ create, idle, max: KEYS_MAX });
  }

  /** Counts a password that is about to be tried. @throws Refusal `RATE_LIMITED` */
  begin({ user_id, room_id, address }: { user_id: string; room_id: string; address: string }): Guess {
    const { perRoom, perAddress } = this.#options;
    const key = `${user_id} ${room_id}`;
    const ofRoom = this.#fresh(this.#rooms, key);
    const ofAddress = this.#fresh(this.#addresses, address);
    const wait = Math.max(this.#wait(ofRoom, perRoom), this.#wait(ofAddress, perAddress));
    if (wait > 0) throw new Refusal('RATE_LIMITED', { retryAfterMs: Math.ceil(wait) });
    const tallies = [ofRoom, ofAddress];
    for (const tally of tallies) tally.held++;
    const end = () => {
      for (const tally of tallies) tally.held--;
    };
    return {
      holdMs: holdMs(ofRoom.count + ofRoom.held, ofAddress.count + ofAddress.held),
      right: () => {
        end();
        this.#rooms.delete(key);
      },
      wrong: () => {
        end();
        for (const tally of tallies) {
          tally.count++;
          tally.last = this.#options.now();
        }
      },
      void: end,
    };
  }

  /** How many users at rooms, and addresses, are remembered. */
  get size(): { rooms: number; addresses: number } {
    return { rooms: this.#rooms.size, addresses: this.#addresses.size };
  }

  /** Forgets what is over; call it from time to time. */
  sweep(): void {
    const now = this.#options.now();
    this.#rooms.sweep(now);
    this.#addresses.sweep(now);
  }

  #fresh(tallies: BoundedMap<Tally>, key: string): Tally {
    const tally = tallies.get(key);
    if (this.#options.now() - tally.last >= this.#options.forgetMs) tally.count = 0;
    return tally;
  }

  #wait({ count, held, last }: Tally, max: number): number {
    if (count + held < max) return 0;
    return count < max ? CHECK_MS : last + this.#options.forgetMs - this.#options.now();
  }
}

/** Nothing for the first, 250 ms for the second wrong one at a room, then twice as long each time. */
function holdMs(ofRoom: number, ofAddress: number): number {
  const forRoom = ofRoom < 2 ? 0 : FIRST_HOLD_MS * 2 ** (ofRoom - 2);
  const forAddress = Math.max(0, ofAddress - ADDRESS_FREE) * ADDRESS_STEP_MS;
  return Math.min(HOLD_MAX_MS, Math.max(forRoom, forAddress));
}
