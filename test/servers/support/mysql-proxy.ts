import { createServer, connect as dial, type Server, type Socket } from 'node:net'
import type { ConnectionOptions } from './mysql-servers.ts'

/** One command of a client, on its way. */
export interface ProxiedCommand {
  /** Counts from 1, over all connections, since `watch`. */
  readonly number: number
  /** The statement, or the kind of command where it carries none. */
  readonly text: string
}

/**
 * What becomes of a command: `pass`; `lose`: it never arrives, and the connection is cut; `lose-answer`: the server does it, and the
 * connection is cut before the client hears of it.
 */
export type Fate = 'pass' | 'lose' | 'lose-answer'

const comQuery = 0x03
const comPrepare = 0x16

/** Stands between a client and a server of MySQL or MariaDB, and may cut the line at any command. */
export class MysqlProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #decide: (command: ProxiedCommand) => Promise<Fate> | Fate = () => 'pass'
  #commands = 0

  private constructor(to: ConnectionOptions) {
    this.#server = createServer((client) => this.#join(client, dial(to.port, to.host)))
  }

  static async start(to: ConnectionOptions): Promise<MysqlProxy> {
    const proxy = new MysqlProxy(to)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get address(): { host: string; port: number } {
    const address = this.#server.address()
    return { host: '127.0.0.1', port: typeof address === 'object' && address !== null ? address.port : 0 }
  }

  /** How many commands went by since. */
  get commands(): number {
    return this.#commands
  }

  watch(decide: (command: ProxiedCommand) => Promise<Fate> | Fate): void {
    this.#commands = 0
    this.#decide = decide
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(client: Socket, server: Socket): void {
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        client.destroy()
        server.destroy()
      })
    }
    let answersAreLost = false
    server.on('data', (data) => {
      if (answersAreLost) client.destroy()
      else client.write(data)
    })
    let rest = Buffer.alloc(0)
    let order: Promise<void> = Promise.resolve()
    client.on('data', (data) => {
      rest = Buffer.concat([rest, data])
      for (;;) {
        const end = 4 + (rest.length < 4 ? Number.POSITIVE_INFINITY : rest.readUIntLE(0, 3))
        if (rest.length < end) return
        const packet = rest.subarray(0, end)
        rest = rest.subarray(end)
        order = order.then(async () => {
          // The first packet of a command has the number 0; what follows the server's greeting has others.
          const fate = packet[3] === 0 ? await this.#decide({ number: ++this.#commands, text: textOf(packet) }) : 'pass'
          if (fate === 'lose') {
            client.destroy()
            return
          }
          if (fate === 'lose-answer') answersAreLost = true
          server.write(packet)
        })
      }
    })
  }
}

function textOf(packet: Buffer): string {
  const kind = packet[4]
  // Of MySQL a statement is told how many attributes come with it (none), and in how many sets.
  if (kind === comQuery && packet[5] === 0 && packet[6] === 1) return packet.toString('utf8', 7)
  if (kind === comQuery || kind === comPrepare) return packet.toString('utf8', 5)
  return `command ${kind}`
}
