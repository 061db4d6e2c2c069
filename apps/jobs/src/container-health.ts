/** What process 1 of a container is, and where it says how it is. Null: nowhere, for it ends by itself and is well while it runs. */
export function addressOfHealth(
  { words, environment }: { words: readonly string[]; environment: Readonly<Record<string, string | undefined>> },
  { ready }: { ready: boolean },
): string | null {
  const port = portOf(words)
  if (port === null) return null
  const path = ready ? 'readyz' : 'healthz'
  return `http://${hostOf(environment.HOST)}:${environment.PORT || port}/${path}`
}

const ports: Readonly<Record<string, number>> = { api: 8080, standalone: 8080, consumer: 8082 }

/** Process 1 is node itself, or a small init that was given our command. */
function portOf(words: readonly string[]): number | null {
  for (const [index, word] of words.entries()) {
    const app =
      /(?:^|\/)apps\/([a-z]+)\/(?:src|dist)\/main\.[jt]s$/.exec(word)?.[1] ?? (/(?:^|\/)urna$/.test(word) ? words[index + 1] : null)
    const port = ports[app ?? '']
    if (port !== undefined) return port
  }
  // Of the jobs this one stays.
  return words.includes('export-csv') && words.includes('--every') ? 8083 : null
}

/** Whoever listens everywhere is asked from here. */
function hostOf(host: string | undefined): string {
  if (host === undefined || host === '' || host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

/** The words, or variables, of a process, as /proc keeps them. */
export function listIn(text: string): string[] {
  return text.split('\0').filter((word) => word !== '')
}
