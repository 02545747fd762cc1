import type { FastifyHelmetOptions } from '@fastify/helmet';

/** Our pages need no script, and nothing from elsewhere. */
const DIRECTIVES = {
  'default-src': ["'none'"],
  'style-src': ["'self'"],
  'img-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
};

/**
 * Helmet's options. No policy upgrades to HTTPS and no HSTS: the server speaks plain HTTP, in a local network often
 * with nothing before it, and where a proxy ends TLS it is the proxy that knows what its domain promises.
 */
export const HELMET: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: DIRECTIVES,
  },
  strictTransportSecurity: false,
  frameguard: { action: 'deny' },
  referrerPolicy: { policy: 'same-origin' },
};
