export type Environment = Readonly<Record<string, string | undefined>>

/** What our processes take over from the person's environment: nothing of another installation's servers or secrets. */
const passedOn = [
  ...['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'NODE_OPTIONS'],
  ...['NODE_ENV', 'LOG_LEVEL', 'BACKLOG_MAX', 'REPLAY_WINDOW_SECONDS', 'CLAIM_IDLE_SECONDS', 'BATCH_BALLOTS_MAX', 'LIVE_READERS_MAX'],
  ...['RESULTS_CACHE', 'RESULTS_CACHE_SECONDS', 'DEFAULT_POLL', 'EXPORT_EVERY', 'EXPORT_KEEP', 'EXPORT_BOM', 'DB_CONNECTIONS_MAX'],
  ...['REQUESTS_PER_SECOND', 'CONNECTIONS_MAX', 'COOKIE_KEY', 'COOKIE_KEY_OLDEST'],
]

export function baseEnvironment(environment: Environment): Record<string, string> {
  // Whoever tries it out with a crowd makes that crowd on this machine: all of it has one address.
  const found: Record<string, string> = { REQUESTS_PER_SECOND: 'off' }
  for (const name of passedOn) {
    const value = environment[name]
    if (value !== undefined) found[name] = value
  }
  return found
}
