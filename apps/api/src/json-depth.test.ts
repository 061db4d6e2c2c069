import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isDeeperThan, jsonDepthMax } from './json-depth.ts'
import { asAdministrator, testApi } from './testing/test-api.ts'

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

describe('nesting', () => {
  it('is what the value has, whatever stands in its texts', () => {
    const texts = fc.oneof(fc.string(), fc.constantFrom('[', ']', '{"', '"', '\\', '\\"[', '[[[[\\'))
    const values = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        texts,
        fc.integer(),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(texts, tie('value'), { maxKeys: 3 }),
      ),
    })).value
    fc.assert(
      fc.property(values, (value) => {
        const bytes = Buffer.from(JSON.stringify(value))
        const depth = depthOf(value)
        expect(isDeeperThan(depth, bytes)).toBe(false)
        if (depth > 0) expect(isDeeperThan(depth - 1, bytes)).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  it('of more than 32 levels is refused, on every route, and 32 are read', async () => {
    const api = await testApi()
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
    const post = async (url: string, levels: number) => {
      const headers = { ...asAdministrator, 'content-type': 'application/json' }
      const answer = await api.app.inject({ method: 'POST', url, payload: nested(levels), headers })
      return [answer.statusCode, answer.json().type]
    }
    for (const url of [`/v1/polls/${api.addPoll().id}/ballots`, '/v1/polls', '/vote']) {
      expect(await post(url, jsonDepthMax), url).toEqual([400, 'urn:urna:problem:invalid-request'])
      expect(await post(url, jsonDepthMax + 1), url).toEqual([400, 'urn:urna:problem:invalid-json'])
    }
    await api.app.close()
  })

  it('is found in the time of one look at each byte', () => {
    const bytes = Buffer.alloc(1024 * 1024, '"\\"')
    const startedMs = performance.now()
    for (let round = 0; round < 10; round++) isDeeperThan(32, bytes)
    // 10 MiB; a scan that starts again at each quotation mark would take hours.
    expect(performance.now() - startedMs).toBeLessThan(2_000)
  })
})
