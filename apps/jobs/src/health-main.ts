import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { addressOfHealth, listIn } from './container-health.ts'

/**
 * `urna health`: whether process 1 of this container is well. Its own entry, without packages and without fetch, which takes as long to
 * load as the rest: an engine starts it every few seconds in every container.
 */

const answerMsMax = 3_000

/** Resolves if the answer is 200. */
function ask(address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(address, { agent: false, timeout: answerMsMax }, (response) => {
      if (response.statusCode === 200) {
        response.resume().once('end', resolve)
        return
      }
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text = (text + part).slice(0, 500)
      })
      response.once('end', () => reject(new Error(`${address} says ${response.statusCode}: ${text}`)))
    })
    request.once('timeout', () => request.destroy(new Error(`${address} did not answer within ${answerMsMax / 1_000} s`)))
    request.once('error', reject)
  })
}

const words = process.argv.slice(2)
if (words.length > 1 || (words[0] ?? '--ready') !== '--ready') {
  console.error('Usage: urna health [--ready]')
  process.exit(2)
}
try {
  const commandLine = listIn(readFileSync('/proc/1/cmdline', 'utf8'))
  const variables = listIn(readFileSync('/proc/1/environ', 'utf8'))
  const environment = Object.fromEntries(variables.map((line) => line.split(/=(.*)/s, 2)))
  const address = addressOfHealth({ words: commandLine, environment }, { ready: words.length === 1 })
  if (address !== null) await ask(address)
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
