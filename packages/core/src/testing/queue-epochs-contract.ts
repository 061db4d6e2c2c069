import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { PermanentDatabaseError } from '../ports/ballot-repository.ts'
import type { QueueEpochs } from '../ports/queue-epochs.ts'
import { untilDone } from './counting-samples.ts'

export interface QueueEpochsSubject {
  readonly epochs: QueueEpochs
  /** On the same database. */
  readonly second: QueueEpochs
  close(): Promise<void>
}

/** What QueueEpochs promises, for every database. */
export function queueEpochsContract(name: string, makeSubject: () => Promise<QueueEpochsSubject>): void {
  describe(`queue epochs contract: ${name}`, () => {
    let open: QueueEpochsSubject | null = null
    async function subject(): Promise<QueueEpochsSubject> {
      open = await makeSubject()
      return open
    }
    afterEach(async () => {
      await open?.close()
      open = null
    })

    it('gives an identity the same epoch for ever, from whichever process it is asked', async () => {
      const { epochs, second } = await subject()
      const identity = randomBytes(16)
      const epoch = await epochs.register(identity)
      expect(epoch).toBeGreaterThanOrEqual(1)
      await epochs.register(randomBytes(16))
      expect(await epochs.register(identity)).toBe(epoch)
      expect(await second.register(Uint8Array.from(identity))).toBe(epoch)
    })

    it('gives every new identity a greater one, however often the older ones come back', async () => {
      const { epochs, second } = await subject()
      // One byte, 64 bytes, and such that only begin alike.
      const identities = [Buffer.from([0]), Buffer.from([0, 0]), Buffer.alloc(64, 0xff), Buffer.alloc(63, 0xff), Buffer.from('🗳')]
      let last = 0
      for (const identity of identities) {
        const epoch = await epochs.register(identity)
        expect(epoch).toBeGreaterThan(last)
        last = epoch
        await second.register(Buffer.from([0]))
      }
      // Nothing is used up by asking again: an epoch has 32 bits, and every connection asks.
      expect(await second.register(randomBytes(16))).toBe(last + 1)
    })

    it('agrees when several ask for a new one at once', async () => {
      const { epochs, second } = await subject()
      const identity = randomBytes(16)
      const asked = await Promise.all(
        Array.from({ length: 10 }, (_, index) => untilDone(() => (index % 2 === 0 ? epochs : second).register(identity))),
      )
      expect(new Set(asked).size).toBe(1)
    })

    it('refuses an identity of more than 64 bytes rather than cut it', async () => {
      const { epochs } = await subject()
      await expect(epochs.register(Buffer.alloc(65, 1))).rejects.toBeInstanceOf(PermanentDatabaseError)
    })
  })
}
