import { randomBytes } from 'node:crypto'
import { compareSequences, type LowWater, type QueueDepth, type ReceiveLimits, rowOfSequence, rowSequence } from '@urna/core'
import Database from 'better-sqlite3'

/** One entry on its way to a consumer. */
export interface DeliveredEntry {
  /** `<generation>-<row>`: an ack of a delivery from before a rewind must not count. */
  readonly id: string
  readonly row: number
  readonly atMs: number
  readonly body: string
}

export interface QueueFileOptions {
  readonly nowMs?: () => number
  /** Acked entries are kept this long, in case the database loses commits. */
  readonly replayWindowMs: number
  /** An entry that a consumer has held this long is given to another. */
  readonly abandonedAfterMs?: number
}

interface Unacked {
  readonly ballots: number
  readonly atMs: number
}

interface Pending {
  readonly consumer: string
  readonly sinceMs: number
  /** The consumer started again since. */
  earlierLife: boolean
}

// Bounds the pause of one trim; the janitor comes back every second.
const trimRowsMax = 2_000

/**
 * The ballot queue in one SQLite file. Synchronous, and this is the file's only writer: it lives in a worker thread of its own, so that
 * no request waits for a disk in the main thread. `append` returns when the entry is on disk (WAL, synchronous=FULL).
 *
 * Acks are written with the next append, or by `writeAcks`: an ack lost in a crash is a redelivery, which counting does not mind.
 */
export class QueueFile {
  identity: Buffer
  readonly #db: Database.Database
  readonly #nowMs: () => number
  readonly #options: QueueFileOptions
  /** Rows not yet acked, ascending. */
  readonly #unacked = new Map<number, Unacked>()
  readonly #pending = new Map<number, Pending>()
  #unwrittenAcks: number[] = []
  #waitingBallots = 0
  /** Rows up to here were delivered (or acked) in this life. */
  #deliveredRow = 0
  #lastRow = 0
  #lastAtMs = 0
  #generation = 1
  readonly #insert: Database.Statement
  readonly #insertAck: Database.Statement
  readonly #body: Database.Statement
  readonly #append: (ballots: number, body: string, atMs: number) => number
  readonly #writeAcks: () => void

  constructor(path: string, options: QueueFileOptions) {
    this.#options = options
    this.#nowMs = options.nowMs ?? Date.now
    this.#db = new Database(path)
    this.#db.pragma('journal_mode = WAL')
    this.#db.pragma('synchronous = FULL')
    this.#db.pragma('locking_mode = EXCLUSIVE')
    this.#db.exec(`
      CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS entries (
        id INTEGER PRIMARY KEY AUTOINCREMENT, -- a plain rowid would start at 1 again after a trim
        at_ms INTEGER NOT NULL,
        ballots INTEGER NOT NULL,
        body TEXT NOT NULL
      ) STRICT;
      CREATE TABLE IF NOT EXISTS acks (id INTEGER PRIMARY KEY) STRICT;
    `)
    this.#db.prepare('INSERT OR IGNORE INTO settings (name, value) VALUES (?, ?)').run('identity', randomBytes(16))
    this.identity = this.#setting('identity') as Buffer
    this.#insert = this.#db.prepare('INSERT INTO entries (at_ms, ballots, body) VALUES (?, ?, ?)')
    this.#insertAck = this.#db.prepare('INSERT OR IGNORE INTO acks (id) VALUES (?)')
    this.#body = this.#db.prepare('SELECT body FROM entries WHERE id = ?').pluck()
    this.#append = this.#db.transaction((ballots: number, body: string, atMs: number) => {
      this.#writeAcksInTransaction()
      return Number(this.#insert.run(atMs, ballots, body).lastInsertRowid)
    })
    this.#writeAcks = this.#db.transaction(() => this.#writeAcksInTransaction())
    this.#lastRow = (this.#db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").pluck().get() as number | undefined) ?? 0
    const lastEntryAtMs = this.#db.prepare('SELECT at_ms FROM entries ORDER BY id DESC LIMIT 1').pluck().get() as number | undefined
    const lowWater = this.storedLowWater()
    // Everything until the low water's time is said to be counted: what comes now comes after it.
    this.#lastAtMs = Math.max(lastEntryAtMs ?? 0, (lowWater?.atMs ?? -1) + 1)
    this.#loadUnacked(lowWater === null ? 0 : rowOfSequence(lowWater.below))
  }

  /** Stores one entry durably; its queue time never goes back, whatever the clock does. */
  append(ballots: number, body: string): { row: number; atMs: number } {
    const atMs = Math.max(this.#nowMs(), this.#lastAtMs)
    const row = this.#append(ballots, body, atMs)
    this.#unwrittenAcks = []
    this.#lastAtMs = atMs
    this.#lastRow = row
    this.#unacked.set(row, { ballots, atMs })
    this.#waitingBallots += ballots
    return { row, atMs }
  }

  /** A consumer says its name: what it held in an earlier life comes to it first. */
  hello(consumer: string): void {
    for (const pending of this.#pending.values()) {
      if (pending.consumer === consumer) pending.earlierLife = true
    }
  }

  receive(consumer: string, limits: Pick<ReceiveLimits, 'ballotsMax' | 'bytesMax'>): DeliveredEntry[] {
    const entries: DeliveredEntry[] = []
    const now = this.#nowMs()
    let ballots = 0
    let bytes = 0
    const full = () => ballots >= limits.ballotsMax || bytes >= limits.bytesMax
    const deliver = (row: number, unacked: Unacked) => {
      const body = this.#body.get(row) as string
      this.#pending.set(row, { consumer, sinceMs: now, earlierLife: false })
      entries.push({ id: `${this.#generation}-${row}`, row, atMs: unacked.atMs, body })
      ballots += unacked.ballots
      bytes += body.length
    }
    const isOwn = (pending: Pending) => pending.consumer === consumer && pending.earlierLife
    const abandonedBefore = now - (this.#options.abandonedAfterMs ?? 30_000)
    const held = [...this.#pending]
    const own = held.filter(([, pending]) => isOwn(pending))
    // Also what this consumer itself received long ago and could neither ack nor park.
    const abandoned = held.filter(([, pending]) => !isOwn(pending) && pending.sinceMs <= abandonedBefore)
    for (const [row] of [...own, ...abandoned]) {
      if (full()) return entries
      const unacked = this.#unacked.get(row)
      if (unacked !== undefined) deliver(row, unacked)
    }
    for (const [row, unacked] of this.#unacked) {
      if (row <= this.#deliveredRow) continue
      if (full()) break
      deliver(row, unacked)
      this.#deliveredRow = row
    }
    return entries
  }

  /** Returns whether there are acks to write. */
  ack(ids: readonly string[]): boolean {
    for (const id of ids) {
      const [generation, rowText] = id.split('-')
      if (Number(generation) !== this.#generation) continue
      const row = Number(rowText)
      const unacked = this.#unacked.get(row)
      if (unacked === undefined) continue
      this.#unacked.delete(row)
      this.#pending.delete(row)
      this.#waitingBallots -= unacked.ballots
      this.#unwrittenAcks.push(row)
    }
    return this.#unwrittenAcks.length > 0
  }

  writeAcks(): void {
    if (this.#unwrittenAcks.length === 0) return
    this.#writeAcks()
    this.#unwrittenAcks = []
  }

  depth(): QueueDepth {
    const oldest = this.#unacked.values().next().value
    return { ballots: this.#waitingBallots, oldestAtMs: oldest?.atMs ?? null }
  }

  /**
   * Everything below `below` is acked, and everything accepted until `atMs` lies below. The time is taken first; a later entry gets a
   * later time, even if the clock goes back.
   */
  position(epoch: number): { below: Buffer; atMs: number; clockBehindMs: number } {
    const clockMs = this.#nowMs()
    const now = Math.max(clockMs, this.#lastAtMs)
    const clockBehindMs = now - clockMs
    this.#lastAtMs = now
    const oldest = this.#unacked.entries().next().value
    if (oldest === undefined) return { below: rowSequence({ epoch, row: this.#lastRow + 1, index: 0 }), atMs: now - 1, clockBehindMs }
    const [row, unacked] = oldest
    return { below: rowSequence({ epoch, row, index: 0 }), atMs: unacked.atMs - 1, clockBehindMs }
  }

  storedLowWater(): LowWater | null {
    const value = this.#setting('low_water')
    if (value === null) return null
    const { below, ...row } = JSON.parse(value.toString()) as Omit<LowWater, 'below'> & { below: string }
    return { ...row, below: Buffer.from(below, 'hex') }
  }

  storeLowWater(row: LowWater): void {
    this.#storeSetting('low_water', Buffer.from(JSON.stringify({ ...row, below: Buffer.from(row.below).toString('hex') })))
    // Below the low water nothing is unacked, so single acks need not be remembered.
    this.#db.prepare('DELETE FROM acks WHERE id < ?').run(Math.min(rowOfSequence(row.below), this.#firstUnackedRow()))
  }

  /** See BallotQueueMaintenance.rewind. */
  rewind(row: LowWater | null): { entries: number; gap: boolean } {
    const firstRow = row === null ? 0 : rowOfSequence(row.below)
    this.writeAcks()
    this.#db.transaction(() => {
      this.#db.prepare('DELETE FROM acks WHERE id >= ?').run(firstRow)
      if (row === null) this.#db.prepare("DELETE FROM settings WHERE name = 'low_water'").run()
      else this.storeLowWater(row)
    })()
    this.#generation++
    this.#pending.clear()
    this.#loadUnacked(firstRow)
    const firstKept = this.#db.prepare('SELECT id FROM entries ORDER BY id LIMIT 1').pluck().get() as number | undefined
    const expected = Math.max(firstRow, 1)
    return { entries: this.#unacked.size, gap: expected <= this.#lastRow && (firstKept === undefined || firstKept > expected) }
  }

  /** See BallotQueueMaintenance.trim. */
  trim(row: LowWater): number {
    const copy = this.storedLowWater()
    if (copy === null || copy.epoch !== row.epoch || compareSequences(row.below, copy.below) > 0) return 0
    const firstKeptRow = Math.min(rowOfSequence(row.below), this.#firstUnackedRow(), this.#deliveredRow + 1)
    const before = this.#nowMs() - this.#options.replayWindowMs
    return this.#db
      .prepare('DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE id < ? AND at_ms < ? ORDER BY id LIMIT ?)')
      .run(firstKeptRow, before, trimRowsMax).changes
  }

  /**
   * Takes a new name if the database has counted further than this file ever got: then an older copy of the file was put back, and
   * its next rows would be taken for ones that are counted already. Under a new name (and so a new epoch) they are newer than all.
   */
  renameIfBehind(row: LowWater): boolean {
    if (rowOfSequence(row.below) <= this.#lastRow + 1) return false
    this.identity = randomBytes(16)
    this.#storeSetting('identity', this.identity)
    return true
  }

  close(): void {
    this.writeAcks()
    this.#db.close()
  }

  #firstUnackedRow(): number {
    return this.#unacked.keys().next().value ?? this.#lastRow + 1
  }

  #writeAcksInTransaction(): void {
    for (const row of this.#unwrittenAcks) this.#insertAck.run(row)
  }

  /** Reads what is not acked from the file. Everything below `firstRow` is acked, and its acks are forgotten. */
  #loadUnacked(firstRow: number): void {
    const rows = this.#db
      .prepare('SELECT id, at_ms, ballots FROM entries WHERE id >= ? AND id NOT IN (SELECT id FROM acks) ORDER BY id')
      .all(firstRow) as { id: number; at_ms: number; ballots: number }[]
    this.#unacked.clear()
    this.#waitingBallots = 0
    for (const row of rows) {
      this.#unacked.set(row.id, { ballots: row.ballots, atMs: row.at_ms })
      this.#waitingBallots += row.ballots
    }
    this.#deliveredRow = this.#firstUnackedRow() - 1
  }

  #setting(name: string): Buffer | null {
    return (this.#db.prepare('SELECT value FROM settings WHERE name = ?').pluck().get(name) as Buffer | undefined) ?? null
  }

  #storeSetting(name: string, value: Buffer): void {
    this.#db
      .prepare('INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value')
      .run(name, value)
  }
}
