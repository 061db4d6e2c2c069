import { codedError, databaseBusyCode, databaseClosedCode } from '../database-errors.ts'

interface Waiter {
  resolve(): void
  reject(error: Error): void
  readonly timer: NodeJS.Timeout
}

/**
 * Who may have a connection now: at most `slotsMax` at a time, and at most `waitingMax` wait, first come first served, none longer than
 * `waitMs`. In front of mysql2's pool, whose own queue keeps those who have given up.
 */
export class ConnectionSlots {
  readonly #waitingMax: number
  readonly #waiting = new Set<Waiter>()
  #free: number
  #closed = false

  constructor(slotsMax: number, waitingMax: number) {
    this.#free = slotsMax
    this.#waitingMax = waitingMax
  }

  take(waitMs: number): Promise<void> {
    if (this.#closed) return Promise.reject(closedError())
    if (this.#free > 0) {
      this.#free--
      return Promise.resolve()
    }
    if (this.#waiting.size >= this.#waitingMax) {
      return Promise.reject(codedError(databaseBusyCode, `${this.#waitingMax} are waiting for a connection to the database`))
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(waiter)
        reject(codedError(databaseBusyCode, `no connection to the database was free within ${waitMs} ms`))
      }, waitMs)
      const waiter: Waiter = { resolve, reject, timer }
      this.#waiting.add(waiter)
    })
  }

  give(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free++
      return
    }
    this.#waiting.delete(next)
    clearTimeout(next.timer)
    next.resolve()
  }

  /** Nobody waits any more, nobody gets one. */
  close(): void {
    this.#closed = true
    for (const { reject, timer } of this.#waiting) {
      clearTimeout(timer)
      reject(closedError())
    }
    this.#waiting.clear()
  }
}

function closedError(): Error {
  return codedError(databaseClosedCode, 'the database was closed')
}
