/** The response headers of each kind of answer (PROOF S05, S06, S32). No answer chooses its own. */

const EVERY_ANSWER = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const;

const NOTHING_ALLOWED = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Public JSON, errors included: anyone may read it from anywhere, without credentials. */
export const PUBLIC_JSON_HEADERS = {
  ...EVERY_ANSWER,
  'content-security-policy': NOTHING_ALLOWED,
  'cross-origin-resource-policy': 'cross-origin',
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'ETag, Retry-After',
} as const;

/** The page and what it loads: its own scripts and styles only, its own documents only, never in a frame. */
export const PAGE_HEADERS = {
  ...EVERY_ANSWER,
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** What only an operator may see: as closed as the rest and never kept by a browser or a proxy. */
export const OPS_JSON_HEADERS = {
  ...EVERY_ANSWER,
  'content-security-policy': NOTHING_ALLOWED,
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;

export const CACHE = {
  /** Kept by readers, but asked about each time: the manifest and the names it resolves. */
  revalidate: 'no-cache, must-revalidate',
  /** Content addressed by its hash never changes. */
  immutable: 'public, max-age=31536000, immutable',
  never: 'no-store',
} as const;
