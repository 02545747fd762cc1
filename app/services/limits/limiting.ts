import { COMMAND_NAMES, COMMANDS, type CommandName } from '../../../protocol/commands.ts';
import type { RateNumbers } from '../../../protocol/rates.ts';
import type { Metrics } from '../../core/metrics.ts';
import { Admission } from './admission.ts';
import { Limits } from './limits.ts';
import { PasswordThrottle } from './password-throttle.ts';

/** What {@link createLimiting} makes the limits from. */
export interface LimitingOptions {
  /** All numbers by their flat names. */
  readonly numbers: RateNumbers;
  readonly metrics: Metrics;
}

/** Everything that limits a server. */
export interface Limiting {
  readonly limits: Limits;
  readonly passwordThrottle: PasswordThrottle;
  readonly admissions: { readonly [C in CommandName]?: Admission };
  /** Stops its timer. */
  close(): void;
}

/** How often what has rested is forgotten, in milliseconds. */
const SWEEP_MS = 10_000;

/** Sized so that 10,000 clients that come back at once are live within a minute, and others are served meanwhile. */
const ADMISSION = { atOnce: 16, waiting: 256, perSecond: 400 } as const;

/** Makes the limits of one server, all on one clock, which never goes back. */
export function createLimiting({ numbers, metrics }: LimitingOptions): Limiting {
  const now = () => performance.now();
  const limits = new Limits({ numbers, now, metrics });
  const passwordThrottle = new PasswordThrottle({
    perRoom: limits.cap('wrong_passwords_per_room'),
    perAddress: limits.cap('wrong_passwords_per_address'),
    forgetMs: limits.cap('wrong_passwords_ms'),
    now,
  });
  const sweeping = setInterval(() => {
    limits.sweep();
    passwordThrottle.sweep();
  }, SWEEP_MS);
  sweeping.unref();
  return {
    limits,
    passwordThrottle,
    admissions: Object.fromEntries(
      COMMAND_NAMES.flatMap((name) => (COMMANDS[name].admitted ? [[name, new Admission({ ...ADMISSION, now })]] : [])),
    ),
    close: () => clearInterval(sweeping),
  };
}
