import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { openPoll, send, settledResults, until } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { exitOnSignals, repository, StandaloneProcess, temporaryDirectory } from '../support/standalone-process.ts'
import { sendBallots } from './ballots.ts'
import { cpuMicroseconds, median } from './figures.ts'

/**
 * The shipped ballot route (built files, every plugin, distinct voters, consumer counting) against a bare node:http server that parses the
 * same JSON. Both run on this machine in one go, in interleaved rounds; the figure is the ratio of the medians. A single answer that is not
 * 2xx, or a single miscounted ballot, fails the run.
 */

const rounds = Number(process.env.BENCH_ROUNDS ?? 5)
const secondsARound = Number(process.env.BENCH_SECONDS ?? 4)
const connections = Number(process.env.BENCH_CONNECTIONS ?? 128)
const ratioMin = Number(process.env.BENCH_RATIO_MIN ?? 0.4)

interface Round {
  readonly rate: number
  readonly requests: number
}

async function wrk(url: string, path: string, run: string): Promise<Round> {
  const { requests, seconds } = await sendBallots(url, path, run, { connections, seconds: secondsARound })
  return { requests, rate: requests / seconds }
}

async function startBare(port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['test/load/bare-server.ts'], {
    cwd: repository,
    env: { ...process.env, PORT: String(port) },
    stdio: 'inherit',
  })
  await until(async () => ((await send('POST', `http://127.0.0.1:${port}/`, { body: {} }).catch(() => null))?.status === 202 ? true : null))
  return child
}

async function bench(): Promise<void> {
  exitOnSignals()
  const data = temporaryDirectory()
  const barePort = await freePort()
  const bare = await startBare(barePort)
  const urna = await new StandaloneProcess({
    dataDirectory: data.path,
    port: await freePort(),
    command: [process.execPath, '--conditions=urna:built', 'apps/standalone/dist/main.js'],
    environment: { NODE_ENV: 'production', LOG_LEVEL: 'info', EXPORT_EVERY: '*/5 * * * *' },
  }).ready()
  try {
    const poll = await openPoll(urna.url, { title: 'Bench', questions: [{ text: 'Which?', options: [{ text: 'one' }, { text: 'two' }] }] })
    const path = `/v1/polls/${poll.id}/ballots`
    await wrk(urna.url, path, 'warm-up')
    await settledResults(urna.url, poll.id)
    const turnoutBefore = (await settledResults(urna.url, poll.id)).turnout
    const cpuBefore = cpuMicroseconds(urna.pid)
    const bareRounds: Round[] = []
    const urnaRounds: Round[] = []
    for (let round = 1; round <= rounds; round++) {
      bareRounds.push(await wrk(`http://127.0.0.1:${barePort}`, path, `bare-${round}`))
      urnaRounds.push(await wrk(urna.url, path, `urna-${round}`))
      await settledResults(urna.url, poll.id)
      const [bareRate, urnaRate] = [bareRounds.at(-1)?.rate ?? 0, urnaRounds.at(-1)?.rate ?? 0]
      console.log(`round ${round}: bare ${bareRate.toFixed(0)}/s, urna ${urnaRate.toFixed(0)}/s, ratio ${(urnaRate / bareRate).toFixed(2)}`)
    }
    const results = await settledResults(urna.url, poll.id)
    const cpu = cpuMicroseconds(urna.pid) - cpuBefore
    const counted = results.turnout - turnoutBefore
    const answered = urnaRounds.reduce((sum, round) => sum + round.requests, 0)
    // When wrk stops, each connection may have one request under way: sent and counted, but its answer was not waited for.
    if (counted < answered || counted > answered + rounds * connections)
      throw new Error(`${answered} ballots were answered, ${counted} counted`)
    const total = results.questions[0]?.options.reduce((sum, option) => sum + option.total, 0)
    if (total !== results.turnout) throw new Error(`turnout is ${results.turnout}, the tallies add up to ${total}`)
    const ratio = median(urnaRounds.map((round) => round.rate)) / median(bareRounds.map((round) => round.rate))
    console.log(`ballots answered ${answered}, counted ${counted} (those on their way when a round ended are counted too); 0 errors`)
    const passed = ratio >= ratioMin
    if (!passed) console.log(`expected at least ${ratioMin.toFixed(2)}`)
    console.log(`${passed ? 1 : 0} passed, ${passed ? 0 : 1} failed`)
    console.log(`bench: embedded=${ratio.toFixed(2)} cpu-us-per-ballot=${(cpu / counted).toFixed(1)}`)
    if (!passed) process.exitCode = 1
  } finally {
    bare.kill('SIGTERM')
    await urna.stop()
    data.remove()
  }
}

if (spawnSync('wrk', ['--version']).error !== undefined) {
  console.log('SKIPPED bench: wrk is not installed (Debian: apt-get install wrk)')
  console.log('0 passed, 0 failed, 1 skipped')
} else {
  await bench()
}
