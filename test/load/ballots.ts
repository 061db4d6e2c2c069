import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { repository } from '../support/standalone-process.ts'

export interface BallotsSent {
  readonly requests: number
  readonly seconds: number
  /** Of one answer, on average. */
  readonly answerBytes: number
}

/** wrk with ballots.lua: each ballot of another voter of this `run`. Rejects if an answer is no success. */
export function sendBallots(
  url: string,
  path: string,
  run: string,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<BallotsSent> {
  const script = join(repository, 'test/load/ballots.lua')
  const child = spawn('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script, url, '--', run, path])
  return new Promise((resolve, reject) => {
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.on('error', reject)
    child.on('close', () => {
      const [, requests, microseconds, notOk, broken, bytes] = /RESULT (\d+) (\d+) (\d+) (\d+) (\d+)/.exec(output)?.map(Number) ?? []
      if (requests === undefined || microseconds === undefined || bytes === undefined) reject(new Error(`wrk failed:\n${output}`))
      else if (notOk !== 0 || broken !== 0) reject(new Error(`${notOk} answers were not 2xx, ${broken} connections failed`))
      else resolve({ requests, seconds: microseconds / 1e6, answerBytes: bytes / requests })
    })
  })
}
