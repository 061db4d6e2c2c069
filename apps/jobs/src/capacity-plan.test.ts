import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { chosen, figures } from './capacity-figures.ts'
import { type Demand, DemandError, planCapacity } from './capacity-plan.ts'
import { capacityLines, figureLines } from './capacity-text.ts'

const root = resolve(import.meta.dirname, '../../..')
const demand = (changes: Partial<Demand> = {}): Demand => ({
  votesPerSecond: 20_000,
  minutes: 10,
  voters: 1_000_000,
  readers: 500,
  ...changes,
})

describe('figures', () => {
  const performance = readFileSync(join(root, 'docs/performance.md'), 'utf8')
  const makefile = readFileSync(join(root, 'Makefile'), 'utf8')

  it.each(Object.entries(figures))(
    '%s is in docs/performance.md, and a target of the Makefile measures it',
    (_name, { value, stated, source }) => {
      expect(performance).toContain(stated)
      // The number that is reckoned with is the one that is stated.
      const numbers = [...stated.matchAll(/\d[\d,]*(\.\d+)?/g)].map(([text]) => Number(text.replaceAll(',', '')))
      expect([...numbers, numbers.reduce((sum, each) => sum + each, 0)]).toContain(value)
      expect(makefile).toMatch(new RegExp(`^${source.replace('make ', '')}: `, 'm'))
    },
  )

  it('are all shown', () => {
    expect(figureLines()).toHaveLength(Object.keys(figures).length + 2)
    expect(figureLines()[0]).toBe(
      '13,600 a second   ballots of one process on SQLite, on a busy machine (20,600 on an idle one) (make bench)',
    )
  })

  it('are those of the settings, where a setting decides', () => {
    const settings = readFileSync(join(root, 'docs/configuration.md'), 'utf8')
    expect(settings).toContain(`| \`LIVE_READERS_MAX\` | \`${chosen.readersOfApi}\` |`)
    expect(settings).toContain(`| \`BACKLOG_MAX\` | \`${chosen.backlogMax}\` |`)
    expect(settings).toContain(`| \`REPLAY_WINDOW_SECONDS\` | \`${chosen.replaySeconds}\` |`)
    const template = join(root, 'deploy/nginx/nginx.conf.template')
    expect(existsSync(template) && readFileSync(template, 'utf8')).toContain(`worker_connections ${chosen.connectionsOfWorker};`)
  })
})

describe('plan', () => {
  it('multiplies what a ballot costs by how many come', () => {
    const { ballots, parts, network, visitsPerSecond } = planCapacity(demand())
    expect(ballots).toBe(12_000_000) // 20,000 a second, 600 seconds
    expect(visitsPerSecond).toBeCloseTo(1_666.7, 1) // 1,000,000 / 600
    // 20,000 x (43 + 490) us = 10.66 s a second; / 0.6 = 17.8 cores; by 8 that is 3, of 6 each
    expect(parts.loadBalancer).toEqual({ count: 3, coresEach: 6, coresBusy: expect.closeTo(10.66, 3) })
    // 20,000 x 105 us + 500 x 2 x 16 us = 2.116; / 0.6 = 3.5
    expect(parts.api).toMatchObject({ count: 4, coresEach: 1, coresBusy: expect.closeTo(2.116, 3) })
    expect(parts.api.memoryMb).toBeCloseTo(276) // 265 + 500 / 4 x 88 kB = 265 + 11
    expect(parts.consumer).toMatchObject({ count: 2, coresBusy: expect.closeTo(0.5, 3) }) // 20,000 x 25 us
    expect(parts.redis.coresBusy).toBeCloseTo(0.246) // 20,000 x 12.3 us
    // Ten minutes are kept: 12,000,000 x 61 bytes = 732 MB, which may be 40 % of 1,830
    expect(parts.redis.memoryMb).toBeCloseTo(1_830)
    expect(parts.primary.coresBusy).toBeCloseTo(0.46) // 20,000 x 23 us
    // (1,000,000 x 158 + 12,000,000 x 267 bytes) / 0.6
    expect(parts.primary.diskMb).toBeCloseTo((158 + 3_204) / 0.6)
    expect(parts.primary.diskMbPerSecond).toBeCloseTo(12.02) // 20,000 x 601
    expect(network.pages).toBeCloseTo((8 * 89_700 * 1_000_000) / 600, 0)
    expect(network.votes).toBe(8 * 20_000 * (212 + 523 + 1_500))
  })

  it.each([1, 900, 20_000, 150_000, 1_000_000])(
    'at %i a second one of several may be away, and none is busier than it may be',
    (votesPerSecond) => {
      const { parts } = planCapacity(demand({ votesPerSecond, voters: votesPerSecond * 600 }))
      for (const { count, coresEach, coresBusy } of [parts.frontend, parts.loadBalancer, parts.api, parts.consumer]) {
        expect(count).toBeGreaterThanOrEqual(2)
        expect(count * coresEach * chosen.busy).toBeGreaterThanOrEqual(coresBusy)
        expect((count - 1) * coresEach).toBeGreaterThanOrEqual(coresBusy)
      }
    },
  )

  it('names the part that is the limit', () => {
    const first = (changes: Partial<Demand>) => planCapacity(demand(changes)).limits[0]
    // 10 Gbit/s / 8 bits / (89,700 + 212 + 523 + 1,500 bytes), if each vote is a first visit
    expect(first({ votesPerSecond: 1_000, voters: 600_000, readers: 0 })).toMatchObject({
      part: 'line to the internet',
      votesPerSecond: 13_596,
    })
    expect(first({ votesPerSecond: 26_999 })).toMatchObject({ part: 'primary', votesPerSecond: 27_000 })
    // 0.6 s / 12.3 us
    expect(planCapacity(demand()).limits.find(({ part }) => part === 'Redis')?.votesPerSecond).toBe(48_780)
  })

  it('leaves to votes what live results leave of the line', () => {
    const line = (readers: number) =>
      planCapacity(demand({ votesPerSecond: 1_000, voters: 10_000, readers })).limits.find(({ part }) => part === 'line to the internet')
    // 10,000 visits in 600 s are 1/60 of 1,000 a second: 89,700 / 60 + 212 + 523 + 1,500 = 3,730 bytes
    expect(line(0)?.votesPerSecond).toBe(335_120)
    // 500,000 x 2 x 600 x 8 = 4.8 Gbit/s are gone
    expect(line(500_000)?.votesPerSecond).toBe(174_262)
    expect(line(2_000_000)).toMatchObject({ votesPerSecond: 0, share: Number.POSITIVE_INFINITY })
  })

  it('says how long counting takes, where votes come faster than one primary counts', () => {
    expect(planCapacity(demand({ votesPerSecond: 27_000 })).backlog).toEqual({ ballots: 0, seconds: 0, fullAfterSeconds: null })
    const { backlog, parts } = planCapacity(demand({ votesPerSecond: 40_500 }))
    // 13,500 a second too many for 600 s; 27,000 a second afterwards; 2,000,000 wait after 148 s
    expect(backlog).toEqual({ ballots: 8_100_000, seconds: 300, fullAfterSeconds: expect.closeTo(148.1, 1) })
    expect(planCapacity(demand({ votesPerSecond: 30_000 })).backlog).toMatchObject({ ballots: 1_800_000, fullAfterSeconds: null })
    // Kept: 27,000 x 600; waiting: 8,100,000; each 61 bytes; kept may be 40 %, which is more than both at 60 %
    expect(parts.redis.memoryMb).toBeCloseTo((27_000 * 600 * 61) / 0.4 / 1e6)
    const long = planCapacity(demand({ votesPerSecond: 100_000 }))
    expect(long.parts.redis.memoryMb).toBeCloseTo(((27_000 + 73_000) * 600 * 61) / 0.6 / 1e6) // both at 60 %
  })

  it('grows with the readers, too', () => {
    const { parts } = planCapacity(demand({ votesPerSecond: 100, voters: 1_000, readers: 1_000_000 }))
    expect(parts.api.count).toBe(54) // 2,000,000 pushes x 16 us + 100 x 105 us = 32.01 cores; / 0.6 = 53.4
    expect(parts.loadBalancer.count * parts.loadBalancer.coresEach * 8_192).toBeGreaterThan(2_000_000)
  })

  it.each([
    [{ votesPerSecond: 0 }, /--votes-per-second: expected a whole number from 1 to 1000000, got 0/],
    [{ votesPerSecond: 1.5 }, /--votes-per-second/],
    [{ votesPerSecond: Number.NaN }, /--votes-per-second/],
    [{ votesPerSecond: 1_000_001 }, /--votes-per-second/],
    [{ minutes: 0 }, /--minutes: expected a whole number from 1 to 1440/],
    [{ minutes: 1_441 }, /--minutes/],
    [{ voters: 0 }, /--voters/],
    [{ readers: -1 }, /--readers/],
    [{ votesPerSecond: 10 }, /1000000 voters need as many votes, and 10 a second are 6000 in 10 minutes/],
  ])('refuses %j', (changes, words) => {
    expect(() => planCapacity(demand(changes))).toThrow(words)
    expect(() => planCapacity(demand(changes))).toThrow(DemandError)
  })
})

describe('what it says', () => {
  const text = (changes: Partial<Demand>) => capacityLines(demand(changes)).join('\n')

  it('begins with what was asked, and has a line for each part', () => {
    const lines = capacityLines(demand())
    expect(lines[0]).toBe(
      '20,000 votes a second for 10 minutes: 12,000,000 ballots of 1,000,000 voters (11,000,000 change an earlier one); 500 open result pages',
    )
    for (const part of ['frontend', 'load balancer', 'api', 'Redis', 'consumer', 'primary', 'replica', 'network']) {
      expect(lines.some((line) => line.startsWith(part.padEnd(15)))).toBe(true)
    }
    expect(text({})).toContain('The first would be the primary, at 27,000 votes a second (74 % of it is asked)')
  })

  it('is what docs/scaling.md shows', () => {
    const page = readFileSync(join(root, 'docs/scaling.md'), 'utf8')
    const lines = capacityLines(demand())
    const shown = lines.slice(2, 10)
    expect(shown[0]).toMatch(/^part /)
    for (const line of [...shown, lines.find((each) => each.startsWith('The limit')) ?? 'no limit']) expect(page).toContain(`    ${line}\n`)
  })

  it('says where one process is enough, and where nothing is', () => {
    expect(text({ votesPerSecond: 1_700 })).toContain('One process does this')
    expect(text({})).not.toContain('One process does this')
    expect(text({ votesPerSecond: 60_000 })).toMatch(/THE LIMIT: primary, 222 % of 27,000[^\n]*\nTHE LIMIT: Redis, 123 % of 48,780/)
    // 33,000 a second too many for 600 s; 27,000 a second afterwards: 733 s
    expect(text({ votesPerSecond: 60_000 })).toContain(
      'Set BACKLOG_MAX to 20000000: with 2,000,000, as it is by default, voters are sent away (503) after 61 seconds.',
    )
    expect(text({ votesPerSecond: 1_000, voters: 10_000, readers: 2_000_000 })).toContain(
      'THE LIMIT: line to the internet, of which live results leave nothing. More than 10 Gbit/s.',
    )
    expect(text({ votesPerSecond: 60_000 })).toContain('19,800,000 wait in the queue: on disk, not lost. All are counted 13 minutes later.')
  })
})
