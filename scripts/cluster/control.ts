import { existsSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { createInterface } from 'node:readline'
import type { Cluster } from './cluster.ts'
import { ClusterError, textOfError } from './errors.ts'

const help = [
  'make cluster DO="..."',
  '  status                    what runs where',
  '  traffic                   which api answered how many requests lately',
  '  add-api, remove-api       one more api behind the load balancer; one less',
  '  add-consumer, remove-consumer',
  '  stop NAME, start NAME     end a process as an orchestrator does; start it again',
  '  kill NAME                 end it at once, in the middle of whatever it does (SIGKILL)',
  '  pause NAME, resume NAME   let it hang (SIGSTOP), and go on',
  'NAME is the second column of the status, such as consumer-1.',
].join('\n')

/** Does one command of a person; returns what to say. */
async function carryOut(cluster: Cluster, words: readonly string[]): Promise<string> {
  const [command = 'help', name] = words
  const named = () => {
    if (name === undefined) throw new ClusterError(`${command}: of which process? See: make cluster DO=status`)
    return name
  }
  switch (command) {
    case 'status':
      return cluster.table()
    case 'traffic':
      return cluster.traffic()
    case 'add-api':
      return `${await cluster.add('api')} takes requests now. See: make cluster DO=traffic`
    case 'remove-api':
      return `${await cluster.remove('api', name)} got no more requests, and ended.`
    case 'add-consumer':
      return `${await cluster.add('consumer')} counts now.`
    case 'remove-consumer':
      return `${await cluster.remove('consumer', name)} ended; the others take over what it held.`
    case 'start':
      await cluster.startProcess(named())
      return `${named()} runs.`
    case 'stop':
      await cluster.stopProcess(named())
      return `${named()} ended. Start it again: make cluster DO="start ${named()}"`
    case 'kill':
      cluster.killProcess(named())
      return `${named()} was killed. Start it again: make cluster DO="start ${named()}"`
    case 'pause':
      cluster.pauseProcess(named(), true)
      return `${named()} hangs. Let it go on: make cluster DO="resume ${named()}"`
    case 'resume':
      cluster.pauseProcess(named(), false)
      return `${named()} goes on.`
    case 'help':
      return help
    default:
      throw new ClusterError(`There is no command ${command}.\n${help}`)
  }
}

interface Reply {
  readonly ok: boolean
  readonly text: string
}

/** Takes commands from other terminals of the same user: over a socket in the cluster's folder. */
export async function listenForCommands(cluster: Cluster, path: string): Promise<Server> {
  rmSync(path, { force: true })
  // One after the other: two of them at once would be hard to follow.
  let turn: Promise<unknown> = Promise.resolve()
  const server = createServer((socket) => {
    socket.on('error', () => {})
    createInterface({ input: socket }).once('line', (line) => {
      turn = turn.then(async () => {
        const reply = await carryOut(cluster, JSON.parse(line) as string[]).then(
          (text): Reply => ({ ok: true, text }),
          (error: unknown): Reply => ({ ok: false, text: textOfError(error) }),
        )
        socket.end(JSON.stringify(reply))
      })
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  return server
}

/** Sends a command to the running cluster, prints what it says, and returns the exit status. */
export async function sendCommand(path: string, words: readonly string[]): Promise<number> {
  if (words[0] === 'help') {
    console.log(help)
    return 0
  }
  const noCluster = new ClusterError('No cluster runs for this folder. Start one in another terminal: make cluster')
  if (!existsSync(path)) throw noCluster
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(path, () => socket.write(`${JSON.stringify(words)}\n`))
    let received = ''
    socket.setEncoding('utf8').on('data', (part: string) => {
      received += part
    })
    socket.on('error', () => reject(noCluster))
    socket.on('close', () => resolve(received))
  })
  if (text === '') throw new ClusterError('The cluster ended meanwhile.')
  const reply = JSON.parse(text) as Reply
  if (reply.ok) console.log(reply.text)
  else console.error(reply.text)
  return reply.ok ? 0 : 1
}
