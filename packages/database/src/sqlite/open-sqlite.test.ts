import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RetryableDatabaseError } from '@urna/core'
import SqliteDatabase from 'better-sqlite3'
import { type Kysely, sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { classified, transactionEndedCode } from '../database-errors.ts'
import { migrate } from '../migrate.ts'
import type { Primary, Replica } from '../primary.ts'
import type { Database } from '../schema.ts'
import { newFolder } from '../testing/sqlite-subjects.ts'
import { NetworkFileSystemError, refuseNetworkFileSystem } from './network-file-systems.ts'
import { openSqliteReader, openSqliteWriter } from './open-sqlite.ts'

const setting = (name: string) => ({ name, value: 'x'.repeat(100) })

describe('a SQLite file', () => {
  let folder: string
  let path: string
  let primary: Primary
  beforeEach(async () => {
    folder = newFolder()
    path = join(folder, 'urna.db')
    primary = openSqliteWriter(path)
    await migrate(primary)
  })
  afterEach(async () => {
    await primary.close()
    rmSync(folder, { recursive: true })
  })

  it('is durable at every commit, and checks foreign keys', async () => {
    const pragma = async (name: string) => Object.values((await sql.raw(`pragma ${name}`).execute(primary.db)).rows[0] as object)[0]
    expect(await pragma('journal_mode')).toBe('wal')
    expect(await pragma('synchronous')).toBe(2) // FULL
    expect(await pragma('foreign_keys')).toBe(1)
    expect(await pragma('busy_timeout')).toBe(5_000)
    const orphan = { poll_id: '0123456789abcdef', version: 1, opens_at_ms: null, closes_at_ms: null, created_at_ms: 1 }
    await expect(primary.db.insertInto('poll_versions').values(orphan).execute()).rejects.toThrow('FOREIGN KEY')
  })

  it('cannot be written through a reader, and must exist to be read', async () => {
    const replica = openSqliteReader(path)
    await expect(replica.db.insertInto('settings').values(setting('a')).execute()).rejects.toMatchObject({ code: 'SQLITE_READONLY' })
    await replica.close()
    expect(() => openSqliteReader(join(folder, 'other.db'))).toThrow('unable to open')
  })

  it('knows a primary from a replica before it runs', () => {
    const replica = openSqliteReader(path)
    const write = (_primary: Primary) => {}
    const read = (_replica: Replica) => {}
    // @ts-expect-error a replica takes no writes
    write(replica)
    // @ts-expect-error what may lag is not read from the primary by accident
    read(primary)
    return replica.close()
  })

  it('takes the write lock when a transaction begins: nobody writes between its reading and its writing', async () => {
    const other = new SqliteDatabase(path, { timeout: 0 })
    await primary.db.transaction().execute(async () => {
      expect(() => other.exec('begin immediate')).toThrow('locked')
    })
    await primary.db
      .transaction()
      .setAccessMode('read only')
      .execute(async () => {
        other.exec('begin immediate; commit')
      })
    other.close()
  })

  it('tells why a transaction failed when SQLite rolled it back by itself, and writes nothing outside it', async () => {
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(primary.db)
    await sql.raw(`pragma max_page_count = ${(rows[0]?.page_count ?? 0) + 2}`).execute(primary.db)
    const fill = async (db: Kysely<Database>, from: number) => {
      for (let index = from; index < from + 1_000; index++)
        await db
          .insertInto('settings')
          .values(setting(`${index}`))
          .execute()
    }
    await expect(primary.db.transaction().execute((transaction) => fill(transaction, 0))).rejects.toMatchObject({ code: 'SQLITE_FULL' })
    // SQLite keeps the transaction on this error or not, as it likes: if not, nothing may slip out of it.
    const swallowing = primary.db.transaction().execute(async (transaction) => {
      await fill(transaction, 0).catch(() => {})
      await sql`rollback`.execute(transaction)
      await transaction.insertInto('settings').values(setting('slipped out')).execute()
    })
    await expect(swallowing).rejects.toMatchObject({ code: transactionEndedCode })
    await expect(classified(() => swallowing)).rejects.toBeInstanceOf(RetryableDatabaseError)
    expect(await primary.db.selectFrom('settings').selectAll().execute()).toEqual([])
  })

  it('keeps a bounded number of prepared statements', async () => {
    for (let index = 0; index < 1_000; index++) {
      const { rows } = await sql.raw(`select ${index} as n`).execute(primary.db)
      expect(rows).toEqual([{ n: index }])
    }
    expect((await sql.raw('select 0 as n').execute(primary.db)).rows).toEqual([{ n: 0 }])
  })

  it('that is none is left alone', async () => {
    const text = join(folder, 'text.db')
    writeFileSync(text, 'not a database, but longer than a header of one hundred bytes '.repeat(4))
    expect(() => openSqliteWriter(text)).toThrow('not a database')
  })
})

describe('network file systems', () => {
  it.each([
    [0x6969, 'NFS'],
    [0x517b, 'SMB'],
    [0xff534d42, 'CIFS'],
    [0xff534d42 | 0, 'CIFS'], // as a signed number
    [0xfe534d42, 'SMB2'],
    [0x01021997, '9p'],
  ])('of type %i are refused by name: %s', (type, name) => {
    const asked: string[] = []
    const statfs = (path: string) => {
      asked.push(path)
      return { type }
    }
    expect(() => refuseNetworkFileSystem('/data/urna.db', statfs)).toThrow(NetworkFileSystemError)
    expect(() => refuseNetworkFileSystem('/data/urna.db', statfs)).toThrow(`/data is on a network file system (${name})`)
    expect(asked).toEqual(['/data', '/data'])
  })

  it('others are not', () => {
    refuseNetworkFileSystem('/data/urna.db', () => ({ type: 0xef53 }))
  })
})
