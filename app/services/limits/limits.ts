import { COMMAND_NAMES, COMMANDS, type CommandName } from '../../../protocol/commands.ts';
import {
  burstName,
  type CapName,
  countName,
  PERIODS_MS,
  RATE_NAMES,
  RATE_NUMBERS,
  RATES,
  type Rate,
  type RateName,
  type RateNumbers,
} from '../../../protocol/rates.ts';
import type { Metrics } from '../../core/metrics.ts';
import { Refusal } from '../../models/refusal.ts';
import { BoundedMap } from './bounded-map.ts';
import { type Gcra, gcra, giveBack, take } from './gcra.ts';

/** The numbers and the clock of {@link Limits}. */
export interface LimitOptions {
  /** All numbers by their flat names; see {@link withNumbers}. */
  readonly numbers: RateNumbers;
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
  readonly metrics: Metrics;
}

/** What is remembered of a user or an address: one number a rate, and how many connections it has. */
export interface Budget {
  held: number;
  /** About how many bytes wait for an address to read them. */
  unread: number;
  /** By the place of the rate in the table. */
  readonly rates: number[];
  /** Until when those that were refused have been told to wait, by the place of the rate. */
  readonly promised: number[];
}

/** One connection as the limits know it. */
export interface Client {
  /** What its address is counted by. */
  readonly address: string;
  readonly rates: number[];
  readonly addressBudget: Budget;
  user: Budget | null;
  /** Whether it holds its budgets, until it has ended. */
  holds: boolean;
  /** It sent far more than it may and was ended: what still comes of it is dropped. */
  flooded: boolean;
}

/** One rate of a command, made ready. */
interface Counted {
  readonly name: RateName;
  readonly per: Rate['per'];
  readonly place: number;
  readonly rate: Gcra;
  readonly field: string | undefined;
  readonly bytes: Rate['bytes'];
}

/** No one is told to wait longer than this for a place, in milliseconds. */
const PROMISE_MAX_MS = 60_000;

/** Users and addresses that are kept at most. */
const BUDGETS_MAX = 200_000;

const NOTHING: readonly number[] = RATE_NAMES.map(() => 0);

/**
 * The default numbers with some of them changed.
 * @throws RangeError that names a number that there is none of, or that is not at least 1
 */
export function withNumbers(changed: RateNumbers): RateNumbers {
  for (const [name, value] of Object.entries(changed)) {
    if (!Object.hasOwn(RATE_NUMBERS, name)) throw new RangeError(`there is no limit "${name}"`);
    if (!(value >= 1)) throw new RangeError(`"${name}" is less than 1`);
  }
  return { ...RATE_NUMBERS, ...changed };
}

/**
 * Counts how often things are done, by connection, user and address. The state of a rate is one number on an object
 * that the connection holds, so that a command within its limits costs no look-up, no allocation and no promise.
 */
export class Limits {
  readonly #options: LimitOptions;
  readonly #commands: Counted;
  readonly #packets: Counted;
  readonly #excess: Counted;
  readonly #handshakes: Counted;
  readonly #requests: Counted;
  readonly #additions: Counted;
  readonly #byCommand: Readonly<Record<CommandName, readonly Counted[]>>;
  readonly #users: BoundedMap<Budget>;
  readonly #addresses: BoundedMap<Budget>;

  constructor(options: LimitOptions) {
    this.#options = options;
    const counted = (name: RateName) => this.#prepare(name);
    this.#commands = counted('commands');
    this.#packets = counted('packets');
    this.#excess = counted('excess_packets');
    this.#handshakes = counted('handshakes');
    this.#requests = counted('http_requests');
    this.#additions = counted('additions');
    this.#byCommand = Object.fromEntries(
      COMMAND_NAMES.map((name) => [name, COMMANDS[name].rates.map(counted).filter(({ per }) => per !== 'target')]),
    ) as unknown as Record<CommandName, readonly Counted[]>;
    const idle = ({ rates, unread }: Budget, now: number) => unread === 0 && rates.every((due) => due <= now);
    const create = (): Budget => ({ held: 0, unread: 0, rates: [...NOTHING], promised: [...NOTHING] });
    this.#users = new BoundedMap({ create, idle, max: BUDGETS_MAX });
    this.#addresses = new BoundedMap({ create, idle, max: BUDGETS_MAX });
  }

  /** How many users and addresses are remembered. */
  get size(): { users: number; addresses: number } {
    return { users: this.#users.size, addresses: this.#addresses.size };
  }

  /** One of the caps. */
  cap(name: CapName): number {
    return this.#options.numbers[name] ?? 0;
  }

  /** In how many milliseconds an address may connect again; 0: it may now, which counts. */
  connect(address: string): number {
    const budget = this.#addresses.get(address);
    const wait =
      budget.held >= this.cap('connections_per_address')
        ? this.#promise(budget, this.#handshakes, this.#options.now() + 1_000)
        : this.#take(budget, this.#handshakes, this.#options.now());
    if (wait > 0) this.#options.metrics.connectionsRefused.inc();
    return wait;
  }

  /** In how many milliseconds an address may ask over HTTP again; 0: it may now, which counts. */
  request(address: string): number {
    const wait = this.#take(this.#addresses.get(address), this.#requests, this.#options.now());
    if (wait > 0) this.#options.metrics.rateLimited.inc({ rate: this.#requests.name });
    return wait;
  }

  /** Records a new connection; give it to {@link close} when it has ended. */
  open(address: string): Client {
    const addressBudget = this.#addresses.get(address);
    addressBudget.held++;
    return { address, rates: [0, 0], addressBudget, user: null, holds: true, flooded: false };
  }

  /** Records that a connection has ended. */
  close(client: Client): void {
    client.addressBudget.held--;
    if (client.user !== null) client.user.held--;
    client.user = null;
    client.holds = false;
  }

  /** Records who a connection has signed in as. */
  signedIn(client: Client, user_id: string): void {
    if (client.user !== null) return;
    client.user = this.#users.get(user_id);
    // What it had commanded before it ended counts too, and nothing would let go after that.
    if (client.holds) client.user.held++;
  }

  /**
   * Counts a packet of any kind. False when the connection sends far more than it may and is to be ended: what is above
   * the rate of a connection goes on the budget of its address, so that many connections gain nothing.
   */
  packet(client: Client): boolean {
    const now = this.#options.now();
    if (take(client.rates, 1, this.#packets.rate, now) === 0) return true;
    return take(client.addressBudget.rates, this.#excess.place, this.#excess.rate, now) === 0;
  }

  /** A connection that sends more packets than this at once is ended, whatever else its address does. */
  get packetsAtOnce(): number {
    return this.#numbersOf('packets').burst + this.#numbersOf('excess_packets').burst;
  }

  /** Counts a command of any kind, come at `now`, for its connection. @throws Refusal `RATE_LIMITED` */
  command(client: Client, now: number): void {
    const wait = take(client.rates, 0, this.#commands.rate, now);
    if (wait > 0) throw this.#refuse(this.#commands, wait);
  }

  /** Counts a command for its own rates. Gives undefined when it is within them, otherwise what to answer. */
  refusal(client: Client, name: CommandName, payload: object, now: number): Refusal | undefined {
    for (const counted of this.#byCommand[name]) {
      if (counted.field !== undefined && !Object.hasOwn(payload, counted.field)) continue;
      const budget = counted.per === 'address' ? client.addressBudget : client.user;
      if (budget === null) continue;
      const wait = this.#take(budget, counted, now, costOf(counted, payload));
      if (wait > 0) return this.#refuse(counted, wait);
    }
    return undefined;
  }

  /**
   * Counts that a user is added to a room, by whomever.
   * @returns what takes it back, for when it came to nothing
   * @throws Refusal `RATE_LIMITED`
   */
  addition(user_id: string): () => void {
    const { place, rate } = this.#additions;
    const { rates } = this.#users.get(user_id);
    const wait = take(rates, place, rate, this.#options.now());
    if (wait > 0) throw this.#refuse(this.#additions, wait);
    return () => giveBack(rates, place, rate);
  }

  /** Forgets users and addresses that have rested; call it every few seconds. */
  sweep(): void {
    const now = this.#options.now();
    this.#users.sweep(now);
    this.#addresses.sweep(now);
  }

  #prepare(name: RateName): Counted {
    const rate: Rate = RATES[name];
    const ready = gcra({ ...this.#numbersOf(name), period: PERIODS_MS[rate.period] });
    const { per, field, bytes } = rate;
    return { name, per, place: RATE_NAMES.indexOf(name), rate: ready, field, bytes };
  }

  #numbersOf(name: RateName): { count: number; burst: number } {
    const { numbers } = this.#options;
    const { count, burst } = RATES[name];
    return { count: numbers[countName(name)] ?? count, burst: numbers[burstName(name)] ?? burst };
  }

  #take(budget: Budget, counted: Counted, now: number, cost = 1): number {
    const wait = take(budget.rates, counted.place, counted.rate, now, cost);
    if (wait === 0 || counted.per !== 'address') return wait;
    return this.#promise(budget, counted, now + wait, cost);
  }

  /** An address stands for many clients: each one is told a time of its own, or they would all come back at once. */
  #promise({ promised }: Budget, { place, rate }: Counted, earliest: number, cost = 1): number {
    const now = this.#options.now();
    const at = Math.max(earliest, (promised[place] ?? 0) + rate.interval * cost);
    if (at - now > PROMISE_MAX_MS) return PROMISE_MAX_MS * (0.5 + Math.random() / 2);
    promised[place] = at;
    return at - now;
  }

  #refuse(counted: Counted, wait: number): Refusal {
    this.#options.metrics.rateLimited.inc({ rate: counted.name });
    return new Refusal('RATE_LIMITED', { retryAfterMs: Math.ceil(wait) });
  }
}

/** As how many a command counts. */
function costOf({ bytes }: Counted, payload: object): number {
  if (bytes === undefined) return 1;
  const text = (payload as Readonly<Record<string, unknown>>)[bytes.of];
  return bytes.beside + (typeof text === 'string' ? Buffer.byteLength(text) : 0);
}
