/** `https://api.example` of `https://api.example/`; '' of nothing: pages and api at one address. Throws, and says where, if it is none. */
export function apiUrlOf(text: string, setting: string): string {
  const chosen = text.trim()
  if (chosen === '') return ''
  let url: URL | null = null
  try {
    url = new URL(chosen)
  } catch {
    // Said below.
  }
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Error(`${setting}: expected an address that begins with http:// or https://, such as https://api.example, got ${chosen}`)
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}
