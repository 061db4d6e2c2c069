import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { type ReportedTest, suiteRows, suiteTable } from './suite-table.ts'

/**
 * `make test`, and with fewer of them `make test-quick` and `make test-servers`: builds, runs the tests, shows which suite passed on which
 * server, and ends with one line `N passed, N failed, N skipped` that adds all of them up.
 * What cannot run on this machine prints SKIPPED and why, and never counts as passed.
 */

interface FileTest extends ReportedTest {
  readonly fullName: string
  readonly failureMessages?: readonly string[]
}

interface VitestReport {
  readonly testResults: {
    readonly status: string
    readonly name: string
    /** Milliseconds since the epoch. */
    readonly startTime: number
    readonly endTime: number
    /** Why the file could not be loaded. */
    readonly message: string
    readonly assertionResults: FileTest[]
  }[]
}

/**
 * The tests of a file, where what should have run and did not has failed. Vitest calls it pending if the process that ran the file ended, and
 * skipped if a hook failed; a suite that skips itself says so in its name.
 */
function testsOf({ status, assertionResults }: VitestReport['testResults'][number]): readonly FileTest[] {
  const hookFailed = status === 'failed' && assertionResults.every((test) => test.status !== 'failed')
  return assertionResults.map((test) => {
    const skipsItself = test.ancestorTitles.some((title) => title.includes('(skipped: '))
    const shouldHaveRun = test.status === 'pending' || (hookFailed && test.status === 'skipped' && !skipsItself)
    return shouldHaveRun ? { ...test, status: 'failed' } : test
  })
}

function firstLineOf(message: string): string {
  return message.split('\n', 1)[0] ?? ''
}

function run(program: string, programArguments: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, programArguments, { stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

const folder = mkdtempSync(join(tmpdir(), 'urna-report-'))
const reportPath = join(folder, 'report.json')
const filters = process.argv.slice(2)

console.log('Building (the tests start the built processes too)')
const built = await run('tsc', ['-b'])
const ran =
  built === 0 ? await run('vitest', ['run', '--reporter=dot', '--reporter=json', `--outputFile.json=${reportPath}`, ...filters]) : 1

let passed = 0
let failed = built === 0 ? 0 : 1
let skipped = 0
try {
  const report = JSON.parse(readFileSync(reportPath, 'utf8')) as VitestReport
  const tests = report.testResults.flatMap(testsOf)
  passed += tests.filter((test) => test.status === 'passed').length
  failed += tests.filter((test) => test.status === 'failed').length
  const left = tests.filter((test) => test.status !== 'passed' && test.status !== 'failed')
  skipped += left.length
  // A file that could not even be loaded has no tests.
  const unloaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0)
  failed += unloaded.length
  for (const test of left) console.log(`SKIPPED ${test.fullName}`)
  const rows = suiteRows(tests)
  if (process.env.TESTS !== 'quick' && rows.length > 0) console.log(suiteTable(rows).join('\n'))
  const slowest = report.testResults.map(({ name, startTime, endTime }) => ({ name, seconds: (endTime - startTime) / 1_000 }))
  slowest.sort((left, right) => right.seconds - left.seconds)
  console.log('The files that took longest:')
  for (const { name, seconds } of slowest.slice(0, 12)) console.log(`${seconds.toFixed(0).padStart(5)} s  ${relative('.', name)}`)
  // At the end, where one looks first.
  for (const { name, message } of unloaded) console.log(`FAILED ${relative('.', name)}: ${firstLineOf(message)}`)
  for (const file of report.testResults) {
    const inFile = testsOf(file).filter((test) => test.status === 'failed')
    for (const test of inFile) {
      console.log(`FAILED ${relative('.', file.name)}: ${test.fullName}: ${firstLineOf(test.failureMessages?.[0] ?? 'did not run')}`)
    }
  }
} catch {
  failed += 1
}
// An error outside of any test (an unhandled rejection) is a failure too.
if (ran !== 0 && failed === 0) failed = 1
rmSync(folder, { recursive: true })

console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)
