/** One test as vitest reports it: the titles around it, outermost first. */
export interface ReportedTest {
  readonly ancestorTitles: readonly string[]
  readonly status: string
}

export interface SuiteRow {
  /** With its version, as the suite's title says it. */
  readonly server: string
  readonly suite: string
  passed: number
  failed: number
  skipped: number
}

/** `ballot queue contract: Redis 7.0.15`. Other titles have colons too, so what follows must be one of these. */
const onServer = /^(?<suite>.+): (?<server>(?:in memory|a folder|embedded|SQLite|MariaDB|MySQL|Redis|SQS)\b.*)$/

/** The innermost suite that names a server; null: the test runs on none. */
function placeOf({ ancestorTitles }: ReportedTest): { server: string; suite: string } | null {
  for (const title of ancestorTitles.toReversed()) {
    const { server, suite } = onServer.exec(title)?.groups ?? {}
    if (server !== undefined && suite !== undefined) return { server: server.replace(/ \(skipped: .*$/, ''), suite }
  }
  return null
}

/** Which suite passed on which server: a row for each pair, by server. */
export function suiteRows(tests: readonly ReportedTest[]): SuiteRow[] {
  const rows = new Map<string, SuiteRow>()
  for (const test of tests) {
    const place = placeOf(test)
    if (place === null) continue
    const key = JSON.stringify([place.server, place.suite])
    const row = rows.get(key) ?? { ...place, passed: 0, failed: 0, skipped: 0 }
    rows.set(key, row)
    if (test.status === 'passed') row.passed++
    else if (test.status === 'failed') row.failed++
    else row.skipped++
  }
  return [...rows.values()].sort((a, b) => a.server.localeCompare(b.server) || a.suite.localeCompare(b.suite))
}

/** As lines of text, columns aligned. */
export function suiteTable(rows: readonly SuiteRow[]): string[] {
  const cells = rows.map((row) => [row.server, row.suite, String(row.passed), String(row.failed), String(row.skipped)])
  const all = [['server', 'suite', 'passed', 'failed', 'skipped'], ...cells]
  const widths = all.reduce<number[]>((wide, line) => line.map((cell, at) => Math.max(wide[at] ?? 0, cell.length)), [])
  return all.map((line) =>
    line.map((cell, at) => (at < 2 ? cell.padEnd(widths[at] as number) : cell.padStart(widths[at] as number))).join('  '),
  )
}
