import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { repository } from '../../support/standalone-process.ts'

/**
 * Listens on 127.0.0.1 only (fauxqs itself would take every address), and says its port in its first line. Ends with the process that
 * started it: that one holds the other end of its standard input.
 *
 * fauxqs 2.4.1 with a data directory loses a message whose visibility is set to 0 (it writes NULL into a column that takes none): mended here.
 */
const program = `
import { Server } from 'node:net'
import { startFauxqs } from 'fauxqs'
const listen = Server.prototype.listen
Server.prototype.listen = function (options, ...more) {
  return listen.call(this, { ...options, host: '127.0.0.1' }, ...more)
}
const { PersistenceManager } = await import(new URL('persistence.js', import.meta.resolve('fauxqs')))
PersistenceManager.prototype.updateMessageReady = function (messageId) {
  this.db.prepare('UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL WHERE message_id = ?').run(messageId)
}
const { load } = PersistenceManager.prototype
PersistenceManager.prototype.load = function (...stores) {
  this.db.exec('PRAGMA synchronous = OFF') // outlives the process, which is all that tests end; a sync for every statement takes minutes
  return load.apply(this, stores)
}
const { port, dataDir } = JSON.parse(process.argv[1])
const server = await startFauxqs({ port, logger: false, ...(dataDir === null ? {} : { dataDir }) })
console.log(server.port)
process.stdin.on('end', () => process.exit(0)).resume()
`

const { devDependencies } = JSON.parse(readFileSync(join(repository, 'packages/queue/package.json'), 'utf8')) as {
  devDependencies: Record<string, string>
}
/** The emulator with its version, for titles. */
export const sqsName = `SQS (fauxqs ${devDependencies.fauxqs})`

/** A server of SQS in a process of its own, so that it can be frozen, killed and started again. */
export class SqsServer {
  readonly endpoint: string
  readonly #port: number
  readonly #dataDirectory: string | null
  readonly #child: ChildProcess

  private constructor(port: number, dataDirectory: string | null, child: ChildProcess) {
    this.endpoint = `http://127.0.0.1:${port}`
    this.#port = port
    this.#dataDirectory = dataDirectory
    this.#child = child
  }

  /** `dataDirectory`: keeps queues and messages there, over its own end too; null: in memory. `port` 0: any free one. */
  static async start(options: { dataDirectory?: string; port?: number } = {}): Promise<SqsServer> {
    const dataDirectory = options.dataDirectory ?? null
    const settings = JSON.stringify({ port: options.port ?? 0, dataDir: dataDirectory })
    const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', program, settings], {
      cwd: import.meta.dirname,
      env: { PATH: process.env.PATH, NODE_ENV: 'test' },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
    const [line] = await Promise.race([
      once(lines, 'line') as Promise<[string]>,
      once(child, 'exit').then(() => {
        throw new Error('the SQS server ended before it listened')
      }),
    ])
    return new SqsServer(Number(line), dataDirectory, child)
  }

  /** Takes connections and answers none, until `thaw`. */
  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  /** At once, without a word to anybody. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  /** Another process at the same address, with what the first one kept. */
  async restart(): Promise<SqsServer> {
    await this.kill()
    return SqsServer.start({ port: this.#port, ...(this.#dataDirectory === null ? {} : { dataDirectory: this.#dataDirectory }) })
  }
}
