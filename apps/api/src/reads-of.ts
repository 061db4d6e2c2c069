import type { ApiDependencies } from './dependencies.ts'

type Reads = Required<
  Pick<ApiDependencies, 'polls' | 'people' | 'definitions' | 'listings' | 'ballots' | 'results' | 'countedUntilMs' | 'epochEnded'>
>

/** What an api reads, of a database that knows where each of it is read. */
export function readsOf(database: Reads): Reads {
  return {
    polls: database.polls,
    people: database.people,
    definitions: database.definitions,
    listings: database.listings,
    ballots: database.ballots,
    results: database.results,
    countedUntilMs: () => database.countedUntilMs(),
    epochEnded: (epoch) => database.epochEnded(epoch),
  }
}
