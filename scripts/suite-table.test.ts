import { describe, expect, it } from 'vitest'
import { suiteRows, suiteTable } from './suite-table.ts'

describe('the table of suites and servers', () => {
  const test = (status: string, ...ancestorTitles: string[]) => ({ ancestorTitles, status })

  it('has a row for each suite on each server, and none for tests without a server', () => {
    const rows = suiteRows([
      test('passed', '', 'contracts: MySQL 9.7.4', 'ballot repository contract: MySQL 9.7.4'),
      test('passed', 'ballot repository contract: MySQL 9.7.4', 'a retry: what comes of it'),
      test('failed', 'ballot repository contract: MySQL 9.7.4'),
      test('passed', 'ballot queue contract: SQS (fauxqs 2.4.1), FIFO'),
      test('pending', 'migrations: MariaDB (skipped: apt-get install mariadb-server)', 'inner'),
      test('passed', 'ballot queue contract: in memory'),
      test('passed', 'pages: home'),
      test('passed'),
    ])
    expect(suiteTable(rows)).toEqual([
      'server                    suite                       passed  failed  skipped',
      'in memory                 ballot queue contract            1       0        0',
      'MariaDB                   migrations                       0       0        1',
      'MySQL 9.7.4               ballot repository contract       2       1        0',
      'SQS (fauxqs 2.4.1), FIFO  ballot queue contract            1       0        0',
    ])
  })
})
