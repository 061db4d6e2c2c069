import { textOfError } from './cluster/errors.ts'

/**
 * `make cluster`: all processes of the server size on this machine, to watch. With words behind it, a command to a running one:
 * `make cluster DO="add-api"`. See docs/cluster.md.
 */

const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(`This needs Node 24 or newer, and is ${process.version}. Start it with: make cluster`)
  process.exit(1)
}

const [{ Cluster }, { listenForCommands, sendCommand }, { folderOf, readOptions }] = await Promise.all([
  import('./cluster/cluster.ts'),
  import('./cluster/control.ts'),
  import('./cluster/options.ts'),
])

function fail(error: unknown): never {
  console.error(textOfError(error))
  process.exit(1)
}

const socketName = 'control.sock'
const words = process.argv.slice(2)

async function run(): Promise<void> {
  const print = (name: string, line: string) => console.log(`${name.padEnd(18)} | ${line}`)
  const say = (line: string) => print('cluster', line)
  const cluster = await Cluster.prepare(readOptions(process.env), process.env, { say, print })

  let ending: Promise<void> | null = null
  function end(reason: string, status: number): void {
    if (ending !== null) {
      say('Again: everything is killed.')
      cluster.killAll()
      return
    }
    say(`${reason}: ending all processes, nginx first and the primary last. Once more kills them.`)
    ending = cluster.stop()
    ending.then(() => {
      say('Everything ended. Start again with the same data: make cluster')
      process.exit(status)
    }, fail)
  }
  process.on('SIGINT', () => end('Ctrl-C', 0))
  process.on('SIGTERM', () => end('SIGTERM', 0))
  process.on('SIGHUP', () => end('The terminal is gone', 0))

  try {
    await cluster.start()
    await listenForCommands(cluster, cluster.folder.at(socketName))
    console.log(cluster.table())
  } catch (error) {
    if (ending !== null) return
    console.error(textOfError(error))
    end('It could not be started', 1)
  }
}

if (words.length > 0) {
  const status = await sendCommand(`${folderOf(process.env)}/${socketName}`, words).catch(fail)
  process.exit(status)
}
await run().catch(fail)
