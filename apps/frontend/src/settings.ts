/**
 * Where the api is. Empty: at the address the pages came from. Else what /settings.js says, which can change while the pages run; else
 * what the pages were built with (API_URL).
 */

import { apiUrlOf } from './api-url.ts'

declare global {
  var urnaSettings: { apiUrl?: unknown } | undefined
  /** Put in by the build, see vite.config.ts. */
  var builtWithApiUrl: string
}

export const apiUrl = chosenApiUrl(globalThis.urnaSettings?.apiUrl, typeof builtWithApiUrl === 'string' ? builtWithApiUrl : '')

/** A mistake in /settings.js is said on the console, and the pages go on with what they were built with. */
export function chosenApiUrl(atRunTime: unknown, atBuild: string): string {
  try {
    const text = typeof atRunTime === 'string' ? atRunTime : ''
    if (text.trim() !== '') return apiUrlOf(text, 'apiUrl in /settings.js')
  } catch (error) {
    console.error((error as Error).message)
  }
  return apiUrlOf(atBuild, 'API_URL')
}
