import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { addressOfHealth, listIn } from './container-health.ts'

/**
 * `urna health`: whether process 1 of this container is well. Its own entry, and without packages: an engine starts it every few seconds
 * in every container.
 */

const answerMsMax = 3_000

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { ready: { type: 'boolean', default: false } } })
  const words = listIn(readFileSync('/proc/1/cmdline', 'utf8'))
  const variables = listIn(readFileSync('/proc/1/environ', 'utf8'))
  const environment = Object.fromEntries(variables.map((line) => line.split(/=(.*)/s, 2)))
  const address = addressOfHealth({ words, environment }, values)
  if (address === null) return
  const answer = await fetch(address, { signal: AbortSignal.timeout(answerMsMax) })
  if (!answer.ok) throw new Error(`${address} says ${answer.status}: ${(await answer.text()).slice(0, 500)}`)
}

try {
  await main()
} catch (error) {
  const { cause, message } = error as Error
  console.error(cause instanceof Error ? `${message}: ${cause.message}` : message)
  process.exitCode = 1
}
