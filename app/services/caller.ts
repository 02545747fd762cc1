import type { Locale } from '../../protocol/errors.ts';
import type { Connection, Identity } from './connection.ts';
import type { Client } from './limits/limits.ts';

/** What a caller is: nobody until it has signed in. */
export type Role = 'nobody' | 'guest';

/** Who calls a command, over whatever it came. */
export interface Caller {
  readonly role: Role;
  /** Null: nobody. */
  readonly user: { readonly id: string; readonly username: string } | null;
  /** The token by which it is that user; null: nobody. */
  readonly token: Pick<Identity, 'token_id' | 'token_generation'> | null;
  /** The language of what people read; a sign-in may set it. */
  locale: Locale;
  /** What the limits count its commands on; null: nothing is limited. */
  readonly client: Client | null;
  /** What its streams open on. Without one a command is a plain write or read: nothing follows its answer. */
  readonly connection?: Connection;
}

/** A caller who has signed in. */
export interface SignedIn extends Caller {
  readonly role: Exclude<Role, 'nobody'>;
  readonly user: NonNullable<Caller['user']>;
  readonly token: NonNullable<Caller['token']>;
}

/** Whether a caller has signed in. */
export const isSignedIn = (caller: Caller): caller is SignedIn => caller.role !== 'nobody';
