import type { FastifyHelmetOptions } from '@fastify/helmet';

type Directives = Readonly<Record<string, readonly string[]>>;

const BASE: Directives = {
  'default-src': ["'none'"],
  'style-src': ["'self'"],
  'img-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
};

/** What Swagger UI needs beyond our own pages: its scripts, its requests, and the `data:` images of its style sheet. */
const SWAGGER_UI: Directives = {
  ...BASE,
  'script-src': ["'self'"],
  'connect-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
};

/** The content security policy of Swagger UI, as a header value. */
export const SWAGGER_UI_CSP = Object.entries(SWAGGER_UI)
  .map(([name, values]) => `${name} ${values.join(' ')}`)
  .join('; ');

/**
 * Helmet's options. No policy upgrades to HTTPS and no HSTS: the server speaks plain HTTP, in a local network often
 * with nothing before it, and where a proxy ends TLS it is the proxy that knows what its domain promises.
 */
export const HELMET: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: Object.fromEntries(Object.entries(BASE).map(([name, values]) => [name, [...values]])),
  },
  strictTransportSecurity: false,
  frameguard: { action: 'deny' },
  referrerPolicy: { policy: 'same-origin' },
};
