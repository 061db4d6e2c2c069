import { describe, expect, it } from 'vitest'
import { createLogger } from './logger.ts'

function subject(level = 'info') {
  const lines: string[] = []
  const logger = createLogger({ service: 'api', version: '1.2.3', level, destination: { write: (line) => void lines.push(line) } })
  return { lines, logger }
}

describe('logger', () => {
  it('writes JSON with the service, its version, the level by name and the time in UTC', () => {
    const { lines, logger } = subject()
    logger.warn({ polls: 2 }, 'hello')
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      service: 'api',
      version: '1.2.3',
      polls: 2,
      msg: 'hello',
    })
  })

  it('leaves out what is below the level', () => {
    const { lines, logger } = subject('error')
    logger.warn('hello')
    expect(lines).toEqual([])
  })

  it('shows no secret header, wherever it stands, and the others', () => {
    const { lines, logger } = subject()
    const headers = {
      authorization: 'Bearer s3cret',
      cookie: 'voter=s3cret',
      'set-cookie': ['voter=s3cret'],
      'idempotency-key': 's3cret',
      accept: 'text/html',
    }
    logger.info({ headers, req: { headers }, res: { headers }, request: { headers }, ...headers }, 'request')
    logger.child({ headers }).info('child')
    expect(lines).toHaveLength(2)
    expect(lines.join('')).not.toContain('s3cret')
    expect(lines.join('')).toContain('text/html')
  })
})
