import { createHash } from 'node:crypto'
import type { CsvManifest } from '@urna/contracts'
import type { Poll, TallySnapshot } from '@urna/core'
import { describe, expect, it } from 'vitest'
import { exportResults } from './export-csv.ts'
import { InMemoryExportStore } from './testing/in-memory-export-store.ts'
import { parseCsv } from './testing/parse-csv.ts'
import { pagedPolls, samplePoll, sampleSnapshot } from './testing/sample-polls.ts'

const startMs = Date.UTC(2026, 10, 21, 20, 59, 7, 123)

function subject(polls: readonly Poll[], snapshotOf: (poll: Poll) => TallySnapshot = () => sampleSnapshot([2, 1], startMs)) {
  const store = new InMemoryExportStore()
  const clock = { now: startMs, nowMs: () => clock.now }
  const list = pagedPolls(polls, 2)
  const results = {
    async snapshot(id: string) {
      const poll = polls.find((other) => other.id === id)
      if (poll === undefined) throw new Error('unknown poll')
      return snapshotOf(poll)
    },
  }
  const run = (options: Partial<{ bom: boolean; keep: number }> = {}) =>
    exportResults({ polls: list, results, store, clock }, { bom: false, keep: 10, ...options })
  const manifestOf = (name: string): CsvManifest => JSON.parse(store.files.get(`${name}.manifest.json`) ?? '')
  return { store, clock, list, run, manifestOf }
}

describe('export', () => {
  it('writes all polls but drafts into one file, page by page, and a manifest that fits it', async () => {
    const polls = [
      samplePoll(['a', 'b'], { title: 'open' }),
      samplePoll(['a', 'b'], { title: 'draft', version: { opensAtMs: null } }),
      samplePoll(['a', 'b'], { title: 'scheduled', version: { opensAtMs: startMs + 1 } }),
      samplePoll(['a', 'b', 'c'], { title: 'closed', version: { closesAtMs: startMs - 1 } }),
      samplePoll(['a', 'b'], { title: 'unlisted', surveyId: null }),
    ]
    const { store, list, run, manifestOf } = subject(polls)
    const { manifest, removed } = await run()
    expect(removed).toEqual([])
    expect(list.pages).toBe(3) // 5 polls, 2 a page
    expect(await store.list()).toEqual(['results-20261121T205907Z.csv', 'results-20261121T205907Z.csv.manifest.json'])
    const text = store.files.get(manifest.file) ?? ''
    const rows = parseCsv(text).slice(1)
    expect([...new Set(rows.map((row) => row[1]))]).toEqual(['open', 'scheduled', 'closed', 'unlisted'])
    expect(manifest).toEqual({
      file: 'results-20261121T205907Z.csv',
      rows: 9, // 2 + 2 + 3 + 2
      bytes: Buffer.byteLength(text),
      sha256: createHash('sha256').update(text).digest('hex'),
      asOf: '2026-11-21T20:59:07.123Z',
      createdAt: '2026-11-21T20:59:07.123Z',
    })
    expect(rows).toHaveLength(9)
    expect(manifestOf(manifest.file)).toEqual(manifest)
  })

  it('says the earliest as-of of all polls, and none if one has none or nothing is in it', async () => {
    const polls = [samplePoll(['a', 'b']), samplePoll(['a', 'b']), samplePoll(['a', 'b'])]
    const asOf = async (times: (number | null)[]) =>
      (await subject(polls, (poll) => sampleSnapshot([], times[polls.indexOf(poll)] ?? null)).run()).manifest.asOf
    expect(await asOf([3_000, 1_000, 2_000])).toBe('1970-01-01T00:00:01.000Z')
    expect(await asOf([3_000, null, 2_000])).toBeNull()
    expect((await subject([]).run()).manifest).toMatchObject({ rows: 0, asOf: null })
  })

  it('never overwrites: a second export of the same second gets a number', async () => {
    const { run } = subject([])
    const names = [await run(), await run(), await run()].map(({ manifest }) => manifest.file)
    expect(names).toEqual(['results-20261121T205907Z.csv', 'results-20261121T205907Z-2.csv', 'results-20261121T205907Z-3.csv'])
  })

  it('two at the very same time get two names, and both files are whole', async () => {
    const { store, run } = subject([samplePoll(['a', 'b'])])
    const outcomes = await Promise.all([run(), run()])
    expect(outcomes.map(({ manifest }) => manifest.file).sort()).toEqual(['results-20261121T205907Z-2.csv', 'results-20261121T205907Z.csv'])
    for (const { manifest } of outcomes) {
      expect(manifest.rows).toBe(2)
      expect(parseCsv(store.files.get(manifest.file) ?? '')).toHaveLength(3)
    }
  })

  it('keeps the newest exports with their manifests, and files that are none of ours', async () => {
    const { store, clock, run } = subject([])
    await store.write('notes.txt', ['keep me'])
    const removed: (readonly string[])[] = []
    // 12 exports in one second: in the order of the letters -10 stands before -2, and the wrong ones would go.
    for (let index = 0; index < 12; index++) removed.push((await run({ keep: 3 })).removed)
    clock.now += 60_000
    removed.push((await run({ keep: 3 })).removed)
    expect(removed.flat()).toHaveLength(10) // 13 made, 3 kept
    expect(await store.list()).toEqual([
      'notes.txt',
      'results-20261121T205907Z-11.csv',
      'results-20261121T205907Z-11.csv.manifest.json',
      'results-20261121T205907Z-12.csv',
      'results-20261121T205907Z-12.csv.manifest.json',
      'results-20261121T210007Z.csv',
      'results-20261121T210007Z.csv.manifest.json',
    ])
  })

  it('counts what a crash left without a manifest, and removes it in its turn; a manifest left alone too', async () => {
    const { store, run } = subject([])
    await store.write('results-20261121T200000Z.csv', ['no manifest'])
    await store.write('results-20261121T190000Z.csv.manifest.json', ['no export'])
    const { removed, manifest } = await run({ keep: 1 })
    expect(removed).toEqual(['results-20261121T190000Z.csv', 'results-20261121T200000Z.csv'])
    expect(await store.list()).toEqual([manifest.file, `${manifest.file}.manifest.json`])
  })

  it('does not remove the export it just wrote, even if the clock was set back', async () => {
    const { store, clock, run } = subject([])
    await run({ keep: 1 })
    clock.now -= 3_600_000
    const { manifest } = await run({ keep: 1 })
    expect(await store.list()).toContain(manifest.file)
  })

  it('leaves nothing when a poll cannot be read half-way', async () => {
    const polls = [samplePoll(['a', 'b']), samplePoll(['a', 'b'])]
    const { store, run } = subject(polls, (poll) => {
      if (poll === polls[1]) throw new Error('the replica went away')
      return sampleSnapshot([])
    })
    await expect(run()).rejects.toThrow('the replica went away')
    expect(await store.list()).toEqual([])
  })
})
