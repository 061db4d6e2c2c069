import { type MessagePort, parentPort } from 'node:worker_threads'
import { migrate } from '../migrate.ts'
import type { Primary } from '../primary.ts'
import { openSqliteWriter } from '../sqlite/open-sqlite.ts'
import { servePrimary } from '../sqlite/serve-primary.ts'

/** For tests: a thread that owns files, as the counting thread does. */

export type PrimaryWorkerCommand =
  | { readonly kind: 'open'; readonly path: string; readonly port: MessagePort; readonly heldMsMax: number }
  | { readonly kind: 'close'; readonly path: string }
  | { readonly kind: 'exit' }

const parent = parentPort as MessagePort
const open = new Map<string, Primary>()

parent.on('message', async (command: PrimaryWorkerCommand) => {
  switch (command.kind) {
    case 'open': {
      const primary = openSqliteWriter(command.path)
      open.set(command.path, primary)
      await migrate(primary)
      servePrimary(command.port, primary, { heldMsMax: command.heldMsMax })
      break
    }
    case 'close':
      await open.get(command.path)?.close()
      open.delete(command.path)
      break
    case 'exit':
      process.exit()
  }
  parent.postMessage(command.kind)
})
