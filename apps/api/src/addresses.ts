import type { FastifyInstance, RouteOptions } from 'fastify'

/** Which methods each address takes: tells a wrong method (405, with Allow) from a wrong address (404). */
export class Addresses {
  readonly #patterns = new Map<string, { pattern: RegExp; methods: Set<string> }>()

  /** Before any route is registered. */
  watch(app: FastifyInstance): void {
    app.addHook('onRoute', (route: RouteOptions) => {
      // The CORS plugin takes OPTIONS everywhere; that makes no address exist.
      if (route.url === '*') return
      const known = this.#patterns.get(route.url) ?? { pattern: patternOf(route.url), methods: new Set<string>() }
      for (const method of [route.method].flat()) known.methods.add(method)
      this.#patterns.set(route.url, known)
    })
  }

  /** Methods of the address, sorted; empty if there is no such address. */
  methodsOf(path: string): string[] {
    const methods = new Set<string>()
    for (const known of this.#patterns.values()) {
      if (known.pattern.test(path)) for (const method of known.methods) methods.add(method)
    }
    return [...methods].sort()
  }
}

function patternOf(url: string): RegExp {
  const source = url
    .split('/')
    .map((part) =>
      part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, (character) => (character === '*' ? '.*' : `\\${character}`)),
    )
    .join('/')
  return new RegExp(`^${source}$`)
}
