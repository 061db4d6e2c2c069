import { expect, it } from 'vitest'
import { paddedTo } from '../count-batch.ts'
import { mysqlCountStatements } from './mysql-count-statements.ts'

it('counting on MySQL: every column compares the rank, and `rank` itself is assigned last', () => {
  const [, assignments = ''] = mysqlCountStatements.upsertBallots(1).split('on duplicate key update')
  const lines = assignments.trim().split(/,\n\s*/)
  expect(lines.map((line) => line.split(' = ')[0])).toEqual(['prev_answers', 'answers', 'poll_version', 'seq', 'batch_id', '`rank`'])
  for (const line of lines) expect(line).toContain('if(values(`rank`) > `rank`, ')
})

it('counting on MySQL: words that only one of the servers knows are not used', () => {
  const { upsertBallots, readBack, addTallies, addTurnout, insertDeadLetters, rowsMax } = mysqlCountStatements
  for (const statement of [upsertBallots, readBack, addTallies, addTurnout, insertDeadLetters]) {
    expect(statement(2)).not.toMatch(/returning|\) as |values row|ignore/i)
    expect(statement(2)).toBe(statement(2))
  }
  expect(paddedTo(rowsMax)).toBe(rowsMax)
})
