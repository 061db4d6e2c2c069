import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openMasterKey } from '@urna/core'
import { openMysqlReplica, openSqliteReader, type Replica } from '@urna/database'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { send, settledResults, until } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { filesUnder, findIn, findInFiles, type Hit, type PlantedSecret, summaryOf } from '../support/planted-secrets.ts'
import { type Sown, sowSecrets } from '../support/sown-secrets.ts'
import { repository, StandaloneProcess, temporaryDirectory } from '../support/standalone-process.ts'
import { ClusterProcess, missingPrograms } from './cluster-process.ts'

/** Columns and files in which docs/security.md says that something stands, by the name that it has there. */
function documentedPlaces(): string[] {
  const text = readFileSync(join(repository, 'docs/security.md'), 'utf8')
  const [, table = ''] = text.split('## What is stored, and where')
  const rows = [...(table.split('\n## ', 1)[0]?.matchAll(/^\| ([^|]+) \| ([^|]+) \|/gm) ?? [])].slice(1)
  return rows.flatMap(([, secret = '', places = '']) => [...places.matchAll(/`([^`]+)`/g)].map(([, place]) => `${secret.trim()}: ${place}`))
}

/** Every cell of every table. */
async function findInTables(secrets: readonly PlantedSecret[], database: Replica): Promise<Hit[]> {
  const names =
    database.dialect.name === 'sqlite'
      ? sql<{ name: string }>`select name from sqlite_master where type = 'table'`
      : sql<{ name: string }>`select table_name as name from information_schema.tables where table_schema = database()`
  const hits: Hit[] = []
  const { rows: tables } = await names.execute(database.db)
  expect(tables.length).toBeGreaterThan(18)
  for (const { name } of tables) {
    const { rows } = await sql<Record<string, unknown>>`select * from ${sql.table(name)}`.execute(database.db)
    for (const row of rows) {
      for (const [column, cell] of Object.entries(row)) {
        if (cell === null) continue
        const bytes = cell instanceof Uint8Array ? cell : String(cell)
        hits.push(...findIn(secrets, `${name}.${column}`, bytes))
      }
    }
  }
  return hits
}

/** Results everywhere: people may read an option's text there, and nothing else. */
const publicTexts = ["option's text"]
const withoutPublicTexts = (secrets: readonly PlantedSecret[]) => secrets.filter(({ name }) => !publicTexts.includes(name))

async function metricsOf(urls: readonly string[]): Promise<string> {
  const texts = await Promise.all(urls.map(async (url) => (await send('GET', `${url}/metrics`)).text))
  for (const text of texts) expect(text).toContain('process_cpu_seconds_total')
  return texts.join('\n')
}

it('finds what is planted', () => {
  const secrets = [
    { name: 'text', value: 'planted-text-0123' },
    { name: 'bytes', value: Buffer.from('0123456789abcdef0123456789abcdef', 'hex') },
  ]
  const leaks = [
    'a line with planted-text-0123 in it',
    `hash ${Buffer.from('planted-text-0123').toString('hex')}`,
    Buffer.from('planted-text-0123').toString('base64'),
    'PLANTED-TEXT-0123',
    'key 0123456789ABCDEF0123456789ABCDEF',
    Buffer.from('0123456789abcdef0123456789abcdef', 'hex').toString('base64url'),
    `[${[...Buffer.from('0123456789abcdef0123456789abcdef', 'hex')].join(',')}]`,
  ]
  for (const leak of leaks) expect(findIn(secrets, 'log', leak), leak).toHaveLength(1)
  expect(findIn(secrets, 'log', 'planted-text-0124')).toEqual([])
})

describe('one process', () => {
  const directory = temporaryDirectory()
  let process: StandaloneProcess
  let sown: Sown

  beforeAll(async () => {
    const environment = { LOG_LEVEL: 'trace', EXPORT_EVERY: '* * * * * *' }
    process = await new StandaloneProcess({ dataDirectory: directory.path, port: await freePort(), environment }).ready()
    sown = await sowSecrets(process.url, openMasterKey(readFileSync(join(directory.path, 'master.key'))))
    for (const pollId of sown.pollIds) expect((await settledResults(process.url, pollId)).turnout).toBe(1)
  }, 120_000)
  afterAll(async () => {
    await process.stop('SIGKILL')
    directory.remove()
  })

  it('writes nothing of it into logs, metrics and exports', async () => {
    expect(process.output.length).toBeGreaterThan(100)
    expect(summaryOf(findIn(sown.secrets, 'log', process.output))).toEqual([])
    expect(summaryOf(findIn(sown.secrets, 'metrics', await metricsOf([process.url])))).toEqual([])
    const exported = filesUnder(join(directory.path, 'exports'))
    expect(exported.length).toBeGreaterThan(1)
    expect(summaryOf(findInFiles(withoutPublicTexts(sown.secrets), exported))).toEqual([])
  })

  it('keeps it in the documented columns, and in no others', async () => {
    const database = openSqliteReader(join(directory.path, 'urna.db'))
    try {
      expect(summaryOf(await findInTables(sown.secrets, database))).toEqual(
        documentedPlaces()
          .filter((place) => !place.endsWith(': queue'))
          .sort(),
      )
    } finally {
      await database.close()
    }
    expect(
      summaryOf(
        findInFiles(
          sown.secrets,
          filesUnder(directory.path).filter((path) => path.includes('queue.db')),
        ).map((hit) => ({ ...hit, place: 'queue' })),
      ),
    ).toEqual(documentedPlaces().filter((place) => place.endsWith(': queue')))
  })

  it('leaves nothing else in its files, not even in what was deleted', async () => {
    const stored = new Set(documentedPlaces().map((place) => place.split(': ')[0]))
    const neverStored = sown.secrets.filter(({ name }) => !stored.has(name))
    expect(neverStored.length).toBeGreaterThan(12)
    await process.stop()
    // The file with the token is there for the administrator to read, when there is no terminal.
    const files = filesUnder(directory.path).filter((path) => !path.endsWith('first-run.txt'))
    expect(summaryOf(findInFiles(neverStored, files))).toEqual([])
  })
})

const missing = missingPrograms()
const name = 'many processes'
describe.skipIf(missing.length > 0)(missing.length === 0 ? name : `${name} (skipped: apt-get install ${missing.join(' ')})`, () => {
  const cluster = new ClusterProcess({ LOG_LEVEL: 'trace' })
  let sown: Sown

  beforeAll(async () => {
    await cluster.start()
    sown = await sowSecrets(
      cluster.url,
      openMasterKey(Buffer.from(readFileSync(cluster.at('secrets/master-key'), 'utf8').trim(), 'base64')),
    )
    for (const pollId of sown.pollIds) expect((await settledResults(cluster.url, pollId)).turnout).toBe(1)
  }, 180_000)
  afterAll(() => cluster.remove(), 60_000)

  it('write nothing of it into logs, nginx and servers included, metrics and exports', { timeout: 60_000 }, async () => {
    const metrics = await metricsOf(
      ['api-1', 'api-2', 'consumer-1', 'consumer-2', 'csv'].map((part) => `http://127.0.0.1:${cluster.port(part)}`),
    )
    expect(summaryOf(findIn(sown.secrets, 'metrics', metrics))).toEqual([])
    await until(async () => (filesUnder(cluster.at('exports')).length > 1 ? true : null))
    expect(summaryOf(findInFiles(withoutPublicTexts(sown.secrets), filesUnder(cluster.at('exports'))))).toEqual([])
    const logs = filesUnder(cluster.at('logs'))
    expect(logs.map((path) => path.split('/').at(-1))).toEqual(expect.arrayContaining(['requests.log', 'api-1.log', 'consumer-1.log']))
    expect(summaryOf(findInFiles(sown.secrets, logs))).toEqual([])
    expect(summaryOf(findIn(sown.secrets, 'terminal', cluster.output))).toEqual([])
  })

  it('keep it in the documented columns, on primary and replica, and in no others', { timeout: 60_000 }, async () => {
    const password = readFileSync(cluster.at('secrets/database-password'), 'utf8').trim()
    for (const server of ['primary', 'replica']) {
      const address = { host: '127.0.0.1', port: cluster.port(server), user: 'urna', password, database: 'voteapp' }
      const database = openMysqlReplica(address)
      try {
        expect(summaryOf(await findInTables(sown.secrets, database)), server).toEqual(
          documentedPlaces()
            .filter((place) => !place.endsWith(': queue'))
            .sort(),
        )
      } finally {
        await database.close()
      }
    }
    const queue = findInFiles(sown.secrets, filesUnder(cluster.at('redis'))).map((hit) => ({ ...hit, place: 'queue' }))
    // What Redis packs it may write down compressed.
    expect(documentedPlaces().filter((place) => place.endsWith(': queue'))).toEqual(expect.arrayContaining(summaryOf(queue)))
  })
})
