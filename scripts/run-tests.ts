import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ReportedTest, suiteRows, suiteTable } from './suite-table.ts'

/**
 * `make test`, and with fewer of them `make test-quick` and `make test-servers`: builds, runs the tests, shows which suite passed on which
 * server, and ends with one line `N passed, N failed, N skipped` that adds all of them up.
 * What cannot run on this machine prints SKIPPED and why, and never counts as passed.
 */

interface VitestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly success: boolean
  readonly testResults: {
    readonly status: string
    readonly name: string
    readonly assertionResults: (ReportedTest & { readonly fullName: string })[]
  }[]
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
  passed += report.numPassedTests
  failed += report.numFailedTests
  skipped += report.numPendingTests + report.numTodoTests
  // A file that could not even be loaded has no tests that failed.
  failed += report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  ).length
  for (const file of report.testResults) {
    for (const test of file.assertionResults) {
      if (test.status === 'pending' || test.status === 'skipped') console.log(`SKIPPED ${test.fullName}`)
    }
  }
  const rows = suiteRows(report.testResults.flatMap((file) => file.assertionResults))
  if (process.env.TESTS !== 'quick' && rows.length > 0) console.log(suiteTable(rows).join('\n'))
} catch {
  failed += 1
}
// An error outside of any test (an unhandled rejection) is a failure too.
if (ran !== 0 && failed === 0) failed = 1
rmSync(folder, { recursive: true })

console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)
