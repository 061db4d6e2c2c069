import type { FallbackEvent } from './fallback-database.ts'
import type { MysqlEvent } from './mysql/mysql-options.ts'

/** An event in words; see EventLine of @urna/runtime. */
export interface DatabaseEventLine {
  readonly kind: string
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields?: Readonly<Record<string, unknown>>
  readonly often?: boolean
}

export function mysqlEventLine(event: MysqlEvent): DatabaseEventLine {
  const { kind } = event
  switch (kind) {
    case 'setting':
      return { kind, level: 'warn', message: `the server's ${event.name} is ${event.value}, it should be ${event.wanted}` }
    case 'timed-out':
      return {
        kind,
        level: 'warn',
        message: `the server gave no ${event.waitingFor} within ${event.afterMs} ms: the connection was given up`,
        often: true,
      }
  }
}

const meanwhile = {
  primary: 'voting goes on; what needs the primary is answered with 503',
  replica: 'results and lists are read from the primary meanwhile',
}

/** For a process that goes on without the one or the other. */
export function fallbackEventLine(event: FallbackEvent): DatabaseEventLine {
  const { kind, server } = event
  switch (kind) {
    case 'down':
      return {
        kind: `${server}-down`,
        level: 'warn',
        message: `the ${server} ${event.notPrepared ? 'is not ready' : 'does not answer'}: ${meanwhile[server]}`,
        fields: { server, code: event.code, error: event.message },
      }
    case 'up':
      return event.isReadOnly && server === 'primary'
        ? {
            kind: 'primary-read-only',
            level: 'warn',
            message: `DB_HOST is a server that is only read: ${meanwhile.primary}`,
            fields: { server },
          }
        : { kind: `${server}-up`, level: 'info', message: `the ${server} answers`, fields: { server } }
    case 'foreign-master-key':
      return { kind, level: 'error', message: event.error.message, fields: { server } }
    case 'read-elsewhere':
      return { kind: `${event.reads}-from-${server}`, level: 'debug', message: `${event.reads} were read from the ${server}` }
  }
}
