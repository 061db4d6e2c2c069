import { PermanentDatabaseError, RetryableDatabaseError } from '@urna/core'
import { describe, expect, it } from 'vitest'
import { databaseWords } from './database-words.ts'

const failed = (code: string, message: string) =>
  new RetryableDatabaseError(`${code}: ${message}`, { cause: Object.assign(new Error(message), { code }) })

describe('a database that failed, in words', () => {
  it.each([
    ['URNA_TIMED_OUT', 'no answer', 'the replica cannot be reached: no answer'],
    // The server is there: it is we who ask too much at once.
    ['URNA_DATABASE_BUSY', 'no connection was free', 'the replica: no connection was free'],
    ['URNA_CONNECTION_LOST', 'ECONNREFUSED: refused', 'the replica cannot be reached: ECONNREFUSED: refused'],
    ['MYSQL_1045', 'denied', 'the replica refuses the user: denied (DB_USER, DB_PASSWORD)'],
    ['MYSQL_1142', 'CREATE denied', 'the replica does not let the user do this: CREATE denied'],
    ['MYSQL_1290', 'read-only.', 'the replica takes no writes: read-only. DB_HOST must be the primary'],
    ['MYSQL_1213', 'a deadlock', 'the replica: a deadlock'],
  ])('%s', (code, message, words) => {
    expect(databaseWords(failed(code, message), 'the replica')).toBe(words)
  })

  it('says what to run where there are no tables', () => {
    expect(databaseWords(failed('MYSQL_1146', "Table 'x.polls' doesn't exist"))).toMatch(/no tables of Urna: Table 'x\.polls'.*Run migrate/)
  })

  it('is null for everything else', () => {
    expect(databaseWords(new Error('a mistake of ours'))).toBeNull()
    expect(databaseWords(new PermanentDatabaseError('of data'))).toBe('the database: of data')
  })
})
