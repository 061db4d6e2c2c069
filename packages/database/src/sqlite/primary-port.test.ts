import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { PermanentDatabaseError, RetryableDatabaseError } from '@urna/core'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { classified, portClosedCode, timedOutCode, transactionEndedCode } from '../database-errors.ts'
import { migrate, schemaVersion } from '../migrate.ts'
import { type Primary, pingDatabase } from '../primary.ts'
import { SqlSettings } from '../repositories/sql-settings.ts'
import { newFolder, PrimaryThread } from '../testing/sqlite-subjects.ts'
import { connectPrimary } from './connect-primary.ts'
import { openSqliteWriter } from './open-sqlite.ts'
import type { PrimaryRequest } from './primary-messages.ts'
import { servePrimary } from './serve-primary.ts'

const insert = (primary: Pick<Primary, 'db'>, name: string) => primary.db.insertInto('settings').values({ name, value: '' }).execute()
const names = async (primary: Primary) =>
  (await primary.db.selectFrom('settings').select('name').orderBy('name').execute()).map((row) => row.name)

describe('a primary in another thread', () => {
  let folder: string
  let thread: PrimaryThread
  let primary: Primary
  const open = async (options: Parameters<PrimaryThread['connect']>[1] = {}) => {
    primary = await thread.connect(join(folder, 'urna.db'), options)
    return primary
  }
  beforeEach(() => {
    folder = newFolder()
    thread = new PrimaryThread()
  })
  afterEach(async () => {
    await primary.close()
    await thread.terminate()
    rmSync(folder, { recursive: true })
  })

  it('carries numbers, texts, bytes, bigints and null there and back', async () => {
    const { db } = await open()
    const bytes = Buffer.from('xx\0\xffyy', 'latin1').subarray(1, 5)
    const { rows } =
      await sql`select ${bytes} as bytes, ${'☕\0'} as text, ${1.5} as number, ${2n ** 40n} as big, ${null} as absent`.execute(db)
    expect(rows).toEqual([{ bytes: Buffer.from(bytes), text: '☕\0', number: 1.5, big: 2 ** 40, absent: null }])
    expect(Buffer.isBuffer((rows[0] as { bytes: unknown }).bytes)).toBe(true)
    const { insertId, numAffectedRows } = await sql`insert into queue_epochs (identity) values (${bytes})`.execute(db)
    expect([insertId, numAffectedRows]).toEqual([1n, 1n])
  })

  it('is migrated like any other', async () => {
    await open()
    expect(await migrate(primary)).toEqual([])
    expect(await schemaVersion(primary)).toBe('0020-poll-activity')
    await pingDatabase(primary)
  })

  it('commits a transaction, rolls one back, and keeps two apart', async () => {
    const { db } = await open()
    const entered = Promise.withResolvers<void>()
    const leave = Promise.withResolvers<void>()
    const first = db.transaction().execute(async (transaction) => {
      await insert({ db: transaction }, 'a')
      entered.resolve()
      await leave.promise
      await insert({ db: transaction }, 'b')
    })
    await entered.promise
    // These wait their turn: they neither fall into the open transaction nor see half of it.
    const second = db.transaction().execute(async (transaction) => {
      await insert({ db: transaction }, 'c')
      throw new Error('changed my mind')
    })
    const seen = names(primary)
    leave.resolve()
    await first
    await expect(second).rejects.toThrow('changed my mind')
    expect(await seen).toEqual(['a', 'b'])
    expect(await names(primary)).toEqual(['a', 'b'])
  })

  it('keeps the codes of errors, and what they mean', async () => {
    const { db } = await open()
    await insert(primary, 'a')
    await expect(insert(primary, 'a')).rejects.toMatchObject({ name: 'SqliteError', code: 'SQLITE_CONSTRAINT_PRIMARYKEY' })
    await expect(classified(() => insert(primary, 'a'))).rejects.toBeInstanceOf(PermanentDatabaseError)
    await expect(classified(() => sql`select * from nowhere`.execute(db))).rejects.toBeInstanceOf(RetryableDatabaseError)
    // What cannot be sent is the caller's fault, and the connection lives on.
    await expect(classified(() => sql`select ${sql.val(Symbol('not to be sent'))}`.execute(db))).rejects.toMatchObject({
      name: 'DataCloneError',
    })
    await pingDatabase(primary)
    expect(await new SqlSettings(primary).setIfAbsent('a', 'another')).toBe('')
  })

  it('rolls back a transaction that is held too long, and lets the others go on', async () => {
    await open({ heldMsMax: 50 })
    const held = primary.db.transaction().execute(async (transaction) => {
      await insert({ db: transaction }, 'held')
      // Nobody else can write now; this one waits for the end of the bound.
      await insert(primary, 'waiting')
      await insert({ db: transaction }, 'too late')
    })
    await expect(held).rejects.toMatchObject({ code: transactionEndedCode })
    expect(await names(primary)).toEqual(['waiting'])
  })

  it('does not commit a transaction that was held too long', async () => {
    await open({ heldMsMax: 50 })
    const held = primary.db.transaction().execute(async (transaction) => {
      await insert({ db: transaction }, 'held')
      await insert(primary, 'waiting')
    })
    await expect(classified(() => held)).rejects.toBeInstanceOf(RetryableDatabaseError)
    expect(await names(primary)).toEqual(['waiting'])
  })

  it('gives up an answer that takes too long, also of a transaction that begins later', async () => {
    await open({ timeoutMs: 150 })
    const leave = Promise.withResolvers<void>()
    const blocking = primary.db.transaction().execute(async (transaction) => {
      await insert({ db: transaction }, 'a')
      await leave.promise
    })
    await expect(classified(() => insert(primary, 'b'))).rejects.toMatchObject({ cause: { code: timedOutCode } })
    const waiting = primary.db.transaction().execute((transaction) => insert({ db: transaction }, 'c'))
    await expect(waiting).rejects.toMatchObject({ code: timedOutCode })
    leave.resolve()
    await blocking
    // The outcome of b was unknown, and here it was written after all; c began late, wrote nothing and holds nothing.
    expect(await names(primary)).toEqual(['a', 'b'])
    await insert(primary, 'd')
  })

  it('rejects everything outstanding, and everything later, when the thread ends', async () => {
    await open()
    const entered = Promise.withResolvers<void>()
    const transaction = primary.db.transaction().execute(async (held) => {
      await insert({ db: held }, 'a')
      entered.resolve()
      await insert(primary, 'waits for the transaction')
    })
    await entered.promise
    const outcome = classified(() => transaction).catch((error) => error)
    await thread.exit()
    expect(await outcome).toBeInstanceOf(RetryableDatabaseError)
    await expect(insert(primary, 'b')).rejects.toMatchObject({ code: portClosedCode })
    await expect(primary.db.transaction().execute(async () => {})).rejects.toMatchObject({ code: portClosedCode })
  })

  it('rolls back what the other side held when it goes', async () => {
    await open()
    const entered = Promise.withResolvers<void>()
    const transaction = primary.db.transaction().execute(async (held) => {
      await insert({ db: held }, 'a')
      entered.resolve()
      await new Promise(() => {})
    })
    transaction.catch(() => {})
    await entered.promise
    await primary.close()
    await thread.release(join(folder, 'urna.db'))
    await open()
    expect(await names(primary)).toEqual([])
  })
})

describe('the thread that owns the primary', () => {
  it('keeps its own transactions apart from those that come over the port, and goes on when the port is closed', async () => {
    const folder = newFolder()
    const owner = openSqliteWriter(join(folder, 'urna.db'))
    await migrate(owner)
    const { port1, port2 } = new MessageChannel()
    const server = servePrimary(port2, owner)
    const remote = connectPrimary(port1)
    const [entered, leave] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const overPort = remote.db.transaction().execute(async (transaction) => {
      await insert({ db: transaction }, 'port')
      entered.resolve()
      await leave.promise
    })
    overPort.catch(() => {})
    await entered.promise
    const own = owner.db.transaction().execute((transaction) => insert({ db: transaction }, 'own'))
    await server.close()
    await own
    expect(await names(owner)).toEqual(['own'])
    leave.resolve()
    await expect(overPort).rejects.toMatchObject({ code: portClosedCode })
    await remote.close()
    await owner.close()
    rmSync(folder, { recursive: true })
  })
  it('has its connection back as soon as the other side goes', async () => {
    const folder = newFolder()
    const owner = openSqliteWriter(join(folder, 'urna.db'))
    await migrate(owner)
    const { port1, port2 } = new MessageChannel()
    servePrimary(port2, owner, { heldMsMax: 600_000 })
    const remote = connectPrimary(port1)
    const entered = Promise.withResolvers<void>()
    const held = remote.db.transaction().execute(async (transaction) => {
      await insert({ db: transaction }, 'held')
      entered.resolve()
      await new Promise(() => {})
    })
    held.catch(() => {})
    await entered.promise
    await remote.close()
    await insert(owner, 'own')
    expect(await names(owner)).toEqual(['own'])
    await owner.close()
    rmSync(folder, { recursive: true })
  })
})

describe('messages to the primary', () => {
  it('carry the bytes that are meant, not the memory around them', async () => {
    const { port1, port2 } = new MessageChannel()
    const remote = connectPrimary(port1)
    const arrived = new Promise<PrimaryRequest>((resolve) => port2.once('message', resolve))
    const outcome = sql`select ${Buffer.from('a secret, and more').subarray(0, 1)}`.execute(remote.db).catch((error) => error)
    const request = await arrived
    const [bytes] = request.kind === 'run' ? (request.parameters as Uint8Array[]) : []
    expect(bytes?.buffer.byteLength).toBe(1)
    port2.close()
    expect(await outcome).toMatchObject({ code: portClosedCode })
    await remote.close()
  })
})
