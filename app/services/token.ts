import { jwtVerify, SignJWT } from 'jose';
import { Refusal } from '../models/refusal.ts';
import type { TokenIdentity } from '../stores/store.ts';

/** How long a token is good after its last use, in milliseconds: a year. */
export const TOKEN_LIFETIME_MS = 365 * 24 * 60 * 60 * 1_000;

/** Makes and checks the signed tokens (JWT, HS256) that guests come back with. */
export interface TokenService {
  /** Signs a token, good for a year from now. */
  issue(identity: TokenIdentity): Promise<string>;
  /** Reads a token that this server signed and that has not expired. @throws Refusal `INVALID_TOKEN` */
  verify(token: string): Promise<TokenIdentity>;
}

/** @param secret at least 32 bytes; `now` is the clock, in milliseconds since 1970 */
export async function createTokens(secret: string, now: () => number): Promise<TokenService> {
  // Imported here: given bytes, jose imports them for every token, which costs as much as signing it.
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(secret), hmac, false, ['sign', 'verify']);
  return {
    async issue({ user_id, token_id, generation }) {
      const expires_at = now() + TOKEN_LIFETIME_MS;
      return await new SignJWT({ gen: generation })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(user_id)
        .setJti(token_id)
        .setExpirationTime(Math.floor(expires_at / 1_000))
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
