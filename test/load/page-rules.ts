import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { repository } from '../support/standalone-process.ts'

interface Shown {
  readonly asOf: string | null
}

interface PageRules {
  readonly retryDelay: (failures: number, retryAfter: number | null) => number
  readonly newerResults: <Results extends Shown>(shown: Results, fresh: Results) => Results
}

async function rulesIn(file: string): Promise<PageRules> {
  return (await import(pathToFileURL(join(repository, 'apps/frontend/src', file)).href)) as PageRules
}

/** What the pages themselves go by: how long they wait before they try again, and which of two results they show. */
export const { retryDelay } = await rulesIn('retry.ts')
export const { newerResults } = await rulesIn('newer-results.ts')
