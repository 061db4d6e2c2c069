import type { CsvManifest } from '@urna/contracts'
import {
  type Clock,
  type ExportStore,
  type Poll,
  type PollId,
  type PollRepository,
  pollStateAt,
  type Results,
  type ResultsReader,
  resultsOf,
} from '@urna/core'
import { ExportNameTakenError } from './directory-export-store.ts'
import { exportFileName, exportStamp, manifestSuffix, parseExportName } from './export-name.ts'
import { type CsvOptions, csvHeader, csvOfPoll, csvRowCount } from './results-csv.ts'

export interface ExportDependencies {
  readonly polls: Pick<PollRepository, 'list'>
  readonly results: Pick<ResultsReader, 'snapshot'>
  readonly store: ExportStore
  readonly clock: Clock
  /** Ends it between two polls; what is written so far leaves no file. */
  readonly signal?: AbortSignal
}

export interface ExportOptions extends CsvOptions {
  /** How many of the newest exports stay. */
  readonly keep: number
}

export interface ExportOutcome {
  readonly manifest: CsvManifest
  /** Names of the older exports that were removed, oldest first. */
  readonly removed: readonly string[]
}

const pollsAPage = 100
const attemptsMax = 100

/**
 * Writes the results of every poll that is no draft into one new CSV file, poll by poll, then its manifest, then removes exports beyond
 * `keep`. Whoever dies in between leaves complete exports, at worst one without a manifest.
 */
export async function exportResults(dependencies: ExportDependencies, options: ExportOptions): Promise<ExportOutcome> {
  const manifest = await writeNewExport(dependencies, options)
  await dependencies.store.write(`${manifest.file}${manifestSuffix}`, [`${JSON.stringify(manifest, null, 2)}\n`])
  return { manifest, removed: await removeOldExports(dependencies.store, options.keep, manifest.file) }
}

async function writeNewExport(dependencies: ExportDependencies, options: CsvOptions): Promise<CsvManifest> {
  const { store, clock } = dependencies
  const createdAtMs = clock.nowMs()
  const stamp = exportStamp(createdAtMs)
  const taken = (await store.list()).map(parseExportName).filter((name) => name?.stamp === stamp)
  const firstFree = Math.max(0, ...taken.map((name) => name?.ordinal ?? 0)) + 1
  for (let ordinal = firstFree; ordinal < firstFree + attemptsMax; ordinal++) {
    const file = exportFileName({ stamp, ordinal })
    const content = { rows: 0, asOf: earliestAsOf() }
    try {
      const { bytes, sha256 } = await store.write(file, csvChunks(dependencies, options, content))
      return { file, rows: content.rows, bytes, sha256, asOf: content.asOf.iso(), createdAt: new Date(createdAtMs).toISOString() }
    } catch (error) {
      // Another process exports in this very second. The numbers are read again: they may have grown.
      if (!(error instanceof ExportNameTakenError)) throw error
    }
  }
  throw new ExportNameTakenError(`${attemptsMax} names of the second ${stamp} are taken`)
}

async function* csvChunks(
  dependencies: ExportDependencies,
  options: CsvOptions,
  content: { rows: number; asOf: ReturnType<typeof earliestAsOf> },
): AsyncGenerator<string> {
  yield csvHeader(options)
  for await (const results of allResults(dependencies)) {
    content.rows += csvRowCount(results)
    content.asOf.add(results.asOfMs)
    yield csvOfPoll(results)
  }
}

async function* allResults({ polls, results, clock, signal }: ExportDependencies): AsyncGenerator<Results> {
  for await (const poll of allPolls(polls)) {
    signal?.throwIfAborted()
    if (pollStateAt(poll.version, clock.nowMs()) === 'draft') continue
    yield resultsOf(poll, await results.snapshot(poll.id), clock.nowMs())
  }
}

/** Newest first, drafts too; never deleted ones. */
export async function* allPolls(polls: Pick<PollRepository, 'list'>): AsyncGenerator<Poll> {
  let after: PollId | null = null
  do {
    const page: Awaited<ReturnType<PollRepository['list']>> = await polls.list({ publicOnly: false, limit: pollsAPage, after })
    yield* page.polls
    after = page.next
  } while (after !== null)
}

/** Each poll is a snapshot of its own, a little later than the one before: what holds for all of them is the earliest. */
function earliestAsOf() {
  let earliestMs: number | null | undefined
  return {
    add(asOfMs: number | null) {
      earliestMs = earliestMs === undefined ? asOfMs : earliestMs === null || asOfMs === null ? null : Math.min(earliestMs, asOfMs)
    },
    iso: () => (earliestMs === undefined || earliestMs === null ? null : new Date(earliestMs).toISOString()),
  }
}

async function removeOldExports(store: ExportStore, keep: number, justWritten: string): Promise<string[]> {
  const names = new Set<string>()
  for (const file of await store.list()) {
    const name = parseExportName(file)
    if (name !== null) names.add(exportFileName(name))
  }
  // The one just written stays even if a clock that was set back makes it the oldest.
  const old = [...names].slice(0, -keep).filter((name) => name !== justWritten)
  for (const name of old) {
    // The manifest first: an export with a manifest is complete, also while it is being removed.
    await store.remove(`${name}${manifestSuffix}`)
    await store.remove(name)
  }
  return old
}
