import { QueryCache, QueryClient } from '@tanstack/react-query'
import { ApiFailure } from '../api.ts'
import { retryDelay } from '../retry.ts'

/** Under which names answers are kept; what changes something forgets by them what it has made old. */
export const keys = {
  me: ['me'],
  sessions: ['sessions'],
  tokens: ['tokens'],
  polls: ['polls'],
  poll: (id: string) => ['poll', id],
  codes: (pollId: string) => ['codes', pollId],
  roll: (pollId: string) => ['roll', pollId],
  users: ['users'],
  audit: ['audit'],
  system: ['system'],
} as const

/**
 * Reads are tried again by themselves until they bring something, as long as that can help: a page that has lost its api or its database goes
 * on when it is back. Changes are sent once: whoever made them decides.
 */
export function newQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError(error) {
        // The session has ended: the frame leads to the sign-in page, and back here.
        if (error instanceof ApiFailure && error.status === 401) client.setQueryData(keys.me, null)
      },
    }),
    defaultOptions: {
      queries: {
        networkMode: 'always',
        retry: (_failures, error) => !(error instanceof ApiFailure) || error.reason !== 'refused',
        retryDelay: (failures, error) => retryDelay(failures + 1, error instanceof ApiFailure ? error.retryAfter : null),
      },
      mutations: { networkMode: 'always', retry: false },
    },
  })
  return client
}

/** Milliseconds between looks at what others change too. */
export const listRefreshMs = 15_000
