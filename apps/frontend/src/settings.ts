/**
 * Where the api is. Empty: at the address the pages came from. Else what /settings.js says, which can change while the pages run; else
 * what the pages were built with (API_URL).
 */

declare global {
  var urnaSettings: { apiUrl?: unknown } | undefined
  /** Put in by the build, see vite.config.ts. */
  var builtWithApiUrl: string
}

export const apiUrl = apiUrlOf(globalThis.urnaSettings?.apiUrl, typeof builtWithApiUrl === 'string' ? builtWithApiUrl : '')

/** `https://api.example` of `https://api.example/`; '' for pages and api at one address. */
export function apiUrlOf(atRunTime: unknown, atBuild: string): string {
  const chosen = typeof atRunTime === 'string' && atRunTime.trim() !== '' ? atRunTime.trim() : atBuild.trim()
  if (chosen === '') return ''
  const url = URL.parse(chosen)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    console.error(`apiUrl in /settings.js (or API_URL at build): expected an address such as https://api.example, got ${chosen}`)
    return ''
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}
