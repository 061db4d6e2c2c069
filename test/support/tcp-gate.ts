import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from './free-port.ts'

/** A door in front of a server: open, shut (nobody gets in, who is in is thrown out), or stuck (who comes in waits for ever). Its port stays the same. */
export class TcpGate {
  readonly port: number
  readonly host = '127.0.0.1'
  #portBehind: number
  readonly #sockets = new Set<Socket>()
  #server: Server | null = null
  #stuck = false

  private constructor(port: number, portBehind: number) {
    this.port = port
    this.#portBehind = portBehind
  }

  static async open(portBehind: number): Promise<TcpGate> {
    const gate = new TcpGate(await freePort(), portBehind)
    await gate.open()
    return gate
  }

  async open(): Promise<void> {
    this.#stuck = false
    if (this.#server !== null) {
      // What was said to a server that stood still is lost with it.
      for (const socket of this.#sockets) socket.destroy()
      return
    }
    const server = createServer((client) => this.#join(client))
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.port, this.host, resolve)
    })
  }

  async shut(): Promise<void> {
    const server = this.#server
    this.#server = null
    for (const socket of this.#sockets) socket.destroy()
    if (server !== null) await new Promise((resolve) => server.close(resolve))
  }

  /** Who comes in from now on comes to another server; who is in is thrown out. */
  leadTo(portBehind: number): void {
    this.#portBehind = portBehind
    for (const socket of this.#sockets) socket.destroy()
  }

  /** As a name that now stands for another server: who is in stays where they are. */
  leadNewcomersTo(portBehind: number): void {
    this.#portBehind = portBehind
  }

  /** Connections stay, and are taken, but nothing passes any more. */
  stick(): void {
    this.#stuck = true
  }

  #join(client: Socket): void {
    const behind = connect(this.#portBehind, this.host)
    for (const [socket, other] of [
      [client, behind],
      [behind, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('data', (data) => {
        if (!this.#stuck) other.write(data)
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }
}
