import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { migrate } from '../migrate.ts'
import type { Primary, Replica } from '../primary.ts'
import { type ConnectPrimaryOptions, connectPrimary } from '../sqlite/connect-primary.ts'
import { openSqliteReader, openSqliteWriter } from '../sqlite/open-sqlite.ts'
import type { PrimaryWorkerCommand } from './primary-worker.ts'

/** A fresh database for one test. */
export interface SqliteSubject {
  readonly path: string
  readonly primary: Primary
  /** On the same file; another writer where two can be. */
  readonly second: Primary
  readonly replica: Replica
  close(): Promise<void>
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'urna-database-'))
}

/** The writer in this thread. A second one would stand still in the same thread: SQLite waits without letting the first go on. */
export async function directSubject(): Promise<SqliteSubject> {
  const folder = newFolder()
  const path = join(folder, 'urna.db')
  const primary = openSqliteWriter(path)
  await migrate(primary)
  const replica = openSqliteReader(path)
  return {
    path,
    primary,
    second: primary,
    replica,
    async close() {
      await replica.close()
      await primary.close()
      rmSync(folder, { recursive: true })
    },
  }
}

/** A thread that owns files and serves them over ports. */
export class PrimaryThread {
  readonly #worker = new Worker(new URL(import.meta.resolve('@urna/database/testing/primary-worker')))

  async connect(path: string, options: ConnectPrimaryOptions & { heldMsMax?: number } = {}): Promise<Primary> {
    const { port1, port2 } = new MessageChannel()
    await this.#command({ kind: 'open', path, port: port2, heldMsMax: options.heldMsMax ?? 10_000 }, [port2])
    return connectPrimary(port1, options)
  }

  async release(path: string): Promise<void> {
    await this.#command({ kind: 'close', path })
  }

  /** Ends the thread as a crash would. */
  async exit(): Promise<void> {
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve))
    this.#worker.postMessage({ kind: 'exit' } satisfies PrimaryWorkerCommand)
    await ended
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate()
  }

  #command(command: PrimaryWorkerCommand, transfer: MessagePort[] = []): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        this.#worker.off('error', onError)
        this.#worker.off('message', onMessage)
        act()
      }
      const onError = (error: unknown) => settle(() => reject(error))
      const onMessage = () => settle(resolve)
      this.#worker.on('error', onError)
      this.#worker.on('message', onMessage)
      this.#worker.postMessage(command, transfer as never)
    })
  }
}

/** Two threads, each with a writer of its own on one file: as two processes would be. */
export async function overPortSubject(threads: readonly [PrimaryThread, PrimaryThread]): Promise<SqliteSubject> {
  const folder = newFolder()
  const path = join(folder, 'urna.db')
  const primary = await threads[0].connect(path)
  const second = await threads[1].connect(path)
  const replica = openSqliteReader(path)
  return {
    path,
    primary,
    second,
    replica,
    async close() {
      await replica.close()
      await primary.close()
      await second.close()
      await threads[0].release(path)
      await threads[1].release(path)
      rmSync(folder, { recursive: true })
    },
  }
}
