import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  commandLine,
  demoPolls,
  ForeignMasterKeyError,
  openMasterKey,
  type Poll,
  pollAdministration,
  systemClock,
  systemIds,
} from '@urna/core'
import { migrate, openSqliteWriter, type Primary, SqlPollRepository, SqlSettings } from '@urna/database'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { prepareInstallation } from './migrate.ts'

let folder: string
let primary: Primary
let polls: SqlPollRepository
let settings: SqlSettings
const masterKey = openMasterKey(randomBytes(32))

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'urna-migrate-'))
  primary = openSqliteWriter(join(folder, 'urna.db'))
  await migrate(primary)
  polls = new SqlPollRepository(primary, { auditHmac: masterKey.auditHmac })
  settings = new SqlSettings(primary)
})
afterEach(async () => {
  await primary.close()
  rmSync(folder, { recursive: true })
})

const prepare = (changes: Partial<Parameters<typeof prepareInstallation>[0]> = {}) =>
  prepareInstallation({ polls, settings, masterKey, clock: systemClock, ids: systemIds, ...changes })

async function allOf(repository: SqlPollRepository): Promise<Poll[]> {
  return [...(await repository.list({ publicOnly: false, limit: 100, after: null })).polls]
}

const administration = () =>
  pollAdministration({
    polls,
    ballots: { erase: async () => {} },
    masterKey,
    clock: systemClock,
    ids: systemIds,
    countedUntilMs: async () => null,
  })

describe('a fresh installation', () => {
  it('gets the demo polls, open, with survey ids from 1 in their order', async () => {
    await prepare()
    const surveys = await polls.listSurveys(100)
    expect(surveys.map(({ surveyId, definition }) => [surveyId, definition.title])).toEqual(
      demoPolls.map(({ title }, index) => [index + 1, title]),
    )
    expect(surveys.every(({ version }) => version.opensAtMs !== null && version.opensAtMs <= Date.now())).toBe(true)
    expect(surveys[0]?.definition.questions[0]?.options.map(({ text }) => text)).toEqual(['coca', 'pepsi'])
  })

  it('gets them once: not at the next start, and not after they were deleted', async () => {
    await prepare()
    await prepare()
    expect(await allOf(polls)).toHaveLength(2)
    for (const poll of await allOf(polls)) await polls.markDeleted(poll.id, Date.now(), poll.revision)
    await prepare()
    expect(await allOf(polls)).toEqual([])
  })

  it('gets none when it has polls of its own', async () => {
    const own = await administration().create({ ...(demoPolls[1] as (typeof demoPolls)[number]), title: 'Our own' }, commandLine)
    await prepare()
    await prepare()
    expect((await allOf(polls)).map(({ id }) => id)).toEqual([own.id])
  })

  it.each([1, 2, 3, 4])(
    'killed at write %i of the seeding, has each demo poll once and in order after the next start',
    async (writesMax) => {
      // Two polls, each created and then opened: four writes.
      let writes = 0
      const dying = Object.create(polls, {
        create: { value: (poll: Poll) => (++writes < writesMax ? polls.create(poll) : Promise.reject(new Error('killed'))) },
        addVersion: {
          value: (...version: Parameters<SqlPollRepository['addVersion']>) =>
            ++writes < writesMax ? polls.addVersion(...version) : Promise.reject(new Error('killed')),
        },
        find: { value: polls.find.bind(polls) },
        list: { value: polls.list.bind(polls) },
      }) as SqlPollRepository
      await expect(prepare({ polls: dying })).rejects.toThrow('killed')
      await prepare()
      expect((await polls.listSurveys(100)).map(({ surveyId, definition }) => [surveyId, definition.title])).toEqual(
        demoPolls.map(({ title }, index) => [index + 1, title]),
      )
      expect(await allOf(polls)).toHaveLength(2)
    },
  )
})

describe('the master key', () => {
  it('is remembered by its fingerprint, and another one is refused before anything is written', async () => {
    await prepare()
    const other = openMasterKey(randomBytes(32))
    await expect(prepare({ masterKey: other })).rejects.toThrow(ForeignMasterKeyError)
    await expect(prepare({ masterKey: other })).rejects.toThrow(
      `fingerprint ${masterKey.fingerprint}; the key given now has ${other.fingerprint}`,
    )
    await prepare()
  })
})
