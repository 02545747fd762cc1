import { jwtVerify, SignJWT } from 'jose';
import { Refusal } from '../models/refusal.ts';
import type { TokenIdentity } from '../stores/store.ts';

/** How long a token is good after its last use, in milliseconds: a year. */
export const TOKEN_LIFETIME_MS = 365 * 24 * 60 * 60 * 1_000;

/** Makes and checks the signed tokens (JWT, HS256) that guests come back with. */
export interface TokenService {
  /** Signs a token, good for a year from now. */
  issue(identity: TokenIdentity): Promise<string>;
  /** When a token that is signed now expires, in milliseconds since 1970. */
  expiry(): number;
  /** Reads a token that this server signed and that has not expired. @throws Refusal `INVALID_TOKEN` */
  verify(token: string): Promise<TokenIdentity>;
}

/**
 * @param secret at least 32 bytes; `now` is the clock, in milliseconds since 1970
 * @param issuedNow the time that a token's life is counted from: later than `now` where it is known that the clock is
 *   behind, or the token would be void once the clock is right
 */
export async function createTokens(secret: string, now: () => number, issuedNow = now): Promise<TokenService> {
  // Imported here: given bytes, jose imports them for every token, which costs as much as signing it.
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(secret), hmac, false, ['sign', 'verify']);
  const expiry = () => issuedNow() + TOKEN_LIFETIME_MS;
  return {
    expiry,

    async issue({ user_id, token_id, generation }) {
      return await new SignJWT({ gen: generation })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(user_id)
        .setJti(token_id)
        .setExpirationTime(Math.floor(expiry() / 1_000))
        .sign(key);
    },

    async verify(token) {
      const options = { algorithms: ['HS256'], currentDate: new Date(now()) };
      const verified = await jwtVerify(token, key, options).catch(() => undefined);
      const { sub, jti, gen } = verified?.payload ?? {};
      if (sub === undefined || jti === undefined || typeof gen !== 'number') {
        throw new Refusal('INVALID_TOKEN', { field: 'token' });
      }
      return { user_id: sub, token_id: jti, generation: gen };
    },
  };
}
