/** What browsers are told of every answer that is not a page: it holds nothing that could be shown, run or taken into a frame. */
export const documentPolicy = "default-src 'none'; frame-ancestors 'none'"

/** What our pages may do: everything comes from where they came from, no script or style is written into a page. */
export const pagePolicy =
  "default-src 'self'; connect-src 'self'; img-src 'self' data:; object-src 'none'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

/** Of pages, besides what {@link securityHeaders} says of everything. deploy/nginx says the same of them. */
export const pageHeaders = {
  'content-security-policy': pagePolicy,
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
} as const

/** One year. Subdomains are for whoever owns them to say. */
const httpsOnly = 'max-age=31536000'

/** Of every answer. `publicUrl`: only where that says https, browsers are told to use nothing else from then on. */
export function securityHeaders(publicUrl: string | null): Readonly<Record<string, string>> {
  return {
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-security-policy': documentPolicy,
    // No page elsewhere takes in what is here, as a picture or a script, say. What CORS lets in is not concerned.
    'cross-origin-resource-policy': 'same-origin',
    ...(publicUrl?.startsWith('https:') === true && { 'strict-transport-security': httpsOnly }),
  }
}
