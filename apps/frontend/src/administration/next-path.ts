/** Where somebody goes who has signed in: the page that sent them here. Only a path of this site: a link may say anything. */
export function nextPath(next: string | undefined, origin: string): string {
  if (next === undefined || !next.startsWith('/')) return '/admin'
  let url: URL
  try {
    url = new URL(next, origin)
  } catch {
    return '/admin'
  }
  // `//other.example` and `/\other.example` are other sites, and `/..//other.example` comes out as one.
  if (url.origin !== origin || url.pathname.startsWith('//')) return '/admin'
  return `${url.pathname}${url.search}${url.hash}`
}
