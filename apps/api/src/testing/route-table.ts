import type { FastifyInstance } from 'fastify'

export interface TableRoute {
  readonly method: string
  /** As it was registered: `/v1/polls/:id`. */
  readonly url: string
}

/** The server's own table of routes, as it prints it. */
export function routeTable(app: FastifyInstance): TableRoute[] {
  const routes: TableRoute[] = []
  const parents: string[] = []
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const { indent, part, methods } = /^(?<indent>[│├└─ ]*)(?<part>\S+) \((?<methods>[A-Z, ]+)\)$/.exec(line)?.groups ?? {}
    if (indent === undefined || part === undefined || methods === undefined) continue
    const depth = indent.length / 4
    const url = `${depth > 1 ? (parents[depth - 1] ?? '') : ''}${part}`
    parents[depth] = url
    for (const method of methods.split(', ')) routes.push({ method, url })
  }
  return routes
}
