import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Below those that the system gives to outgoing connections, or one of them would take a port between the moment it was found free and the moment
 * a server listens on it; and below those of `make cluster` with free ports.
 */
const first = 10_000
const portsOfWorker = 3_000
/** Each process that runs tests has ports of its own: 0 is none of vitest's. */
const worker = Number(process.env.VITEST_POOL_ID ?? 0) % 3
let next = randomInt(portsOfWorker)

/** A port on which nothing listens, and that nobody else who asks here gets soon. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < portsOfWorker; attempt++) {
    next = (next + 1) % portsOfWorker
    const port = first + worker * portsOfWorker + next
    if (await isFree(port)) return port
  }
  throw new Error(`no free port from ${first} on`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
