import { afterEach, describe, expect, it } from 'vitest'
import type { LowWater } from '../ports/ballot-queue-maintenance.ts'
import type { BallotRepositorySubject } from './ballot-repository-contract.ts'
import { sequenceOf, untilDone } from './counting-samples.ts'

function row(below: number, beat: number, more: Partial<LowWater> = {}): LowWater {
  return { epoch: 1, stream: 0, below: sequenceOf(below), atMs: below * 1_000, beat, ...more }
}

/** What BallotRepository promises about the low water, for every database. */
export function lowWaterContract(name: string, makeSubject: () => Promise<BallotRepositorySubject>): void {
  describe(`low water contract: ${name}`, () => {
    let open: BallotRepositorySubject | null = null
    async function subject(): Promise<BallotRepositorySubject> {
      open = await makeSubject()
      return open
    }
    afterEach(async () => {
      await open?.close()
      open = null
    })

    it('keeps one row for each epoch and stream', async () => {
      const { repository } = await subject()
      expect(await repository.readLowWater(1, 0)).toBeNull()
      const rows = [row(3, 1), row(4, 1, { stream: 1 }), row(5, 9, { epoch: 4_294_967_295, atMs: 8_640_000_000_000_000 })]
      for (const each of rows) expect(await repository.writeLowWater(each, null)).toBe(true)
      for (const each of rows) expect(await repository.readLowWater(each.epoch, each.stream)).toEqual(each)
      expect(Buffer.isBuffer((await repository.readLowWater(1, 0))?.below)).toBe(true)
      expect(await repository.readLowWater(2, 0)).toBeNull()
    })

    it('writes only over the row that was read', async () => {
      const { repository, second } = await subject()
      expect(await repository.writeLowWater(row(3, 1), 0)).toBe(false)
      expect(await repository.writeLowWater(row(3, 1), null)).toBe(true)
      expect(await second.writeLowWater(row(4, 1), null)).toBe(false)
      expect(await second.writeLowWater(row(5, 2), 1)).toBe(true)
      expect(await repository.writeLowWater(row(6, 2), 1)).toBe(false)
      expect(await repository.writeLowWater(row(6, 4), 3)).toBe(false)
      expect(await repository.readLowWater(1, 0)).toEqual(row(5, 2))
    })

    it('never goes back, and may stand still', async () => {
      const { repository } = await subject()
      await repository.writeLowWater(row(300, 1), null)
      // 300 is 0x012c: only bytes compared from the left see that 0x0090 is less.
      expect(await repository.writeLowWater(row(144, 2, { atMs: 300_000 }), 1)).toBe(false)
      expect(await repository.writeLowWater(row(301, 2, { atMs: 299_999 }), 1)).toBe(false)
      expect(await repository.writeLowWater(row(300, 2), 1)).toBe(true)
      expect(await repository.readLowWater(1, 0)).toEqual(row(300, 2))
    })

    it('writes only on the server that it is to be written on', async () => {
      const { repository, second } = await subject()
      const server = await repository.writingServer()
      expect(await second.writingServer()).toBe(server)
      const written = row(3, 1, { server })
      expect(await repository.writeLowWater(written, null)).toBe(true)
      expect(await repository.writeLowWater(row(4, 2, { server }), 1)).toBe(true)
      // Where there is only one server, nothing is another one.
      if (server === '') return
      expect(await repository.writeLowWater(row(5, 3, { server: `${server}0` }), 2)).toBe(false)
      expect(await repository.writeLowWater(row(5, 1, { server: `${server}0`, stream: 1 }), null)).toBe(false)
      expect(await repository.writeLowWater(written, null)).toBe(false)
      expect(await repository.readLowWater(1, 0)).toEqual(row(4, 2))
      expect(await repository.readLowWater(1, 1)).toBeNull()
    })

    it.each([null, 1])('lets exactly one of two janitors write (expected beat: %s)', async (expectedBeat) => {
      const { repository, second } = await subject()
      if (expectedBeat !== null) await repository.writeLowWater(row(1, 1), null)
      const server = await repository.writingServer()
      const rows = Array.from({ length: 6 }, (_, index) => row(index + 2, 2, { server }))
      const written = await Promise.all(
        rows.map((each, index) => untilDone(() => (index % 2 === 0 ? repository : second).writeLowWater(each, expectedBeat))),
      )
      expect(written.filter(Boolean)).toHaveLength(1)
      expect(await repository.readLowWater(1, 0)).toMatchObject({ below: rows[written.indexOf(true)]?.below, beat: 2 })
    })
  })
}
