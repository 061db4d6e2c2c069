import { describe, expect, it } from 'vitest'
import { isCronExpression } from './cron-expression.ts'

const good = ['* * * * *', '*/5 * * * *', '0 0 1 1 *', '0,30 8-18/2 * JAN-mar mon-FRI', '*/10 * * * * *', '  5  4 * * 7 ', '59 23 31 12 0']
const bad = [
  '',
  '*',
  '* * * *',
  '* * * * * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 32 * *',
  '* * * 0 *',
  '* * * * 8',
  '5/2 * * * *',
  '1- * * * *',
  '1-2-3 * * * *',
  '*/* * * * *',
  '*/-1 * * * *',
  '1,,2 * * * *',
  '@daily',
  '? * * * *',
  '* * L * *',
  'mon * * * *',
  '1.5 * * * *',
]

describe('cron expressions', () => {
  it.each(good)('takes %j', (expression) => {
    expect(isCronExpression(expression)).toBe(true)
  })

  it.each(bad)('refuses %j', (expression) => {
    expect(isCronExpression(expression)).toBe(false)
  })
})
