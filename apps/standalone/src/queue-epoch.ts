import type { BallotRepository, LowWater, QueueEpochs } from '@urna/core'
import type { InstallationSettings } from '@urna/jobs'

interface Dependencies {
  /** The embedded queue. */
  readonly queue: { readonly identity: Uint8Array; renameIfBehind(row: LowWater): Promise<Uint8Array | null> }
  readonly epochs: QueueEpochs
  readonly ballots: Pick<BallotRepository, 'readLowWater'>
  readonly settings: InstallationSettings
  /** Somebody must look at this. */
  readonly alarm: (message: string) => void
}

/**
 * The epoch of this queue. A queue whose file was removed has a new identity and so a new epoch; one whose file was replaced by an older
 * copy gets both here, so that its ballots are newer than everything counted. Either way somebody hears of it.
 */
export async function beginEpoch({ queue, epochs, ballots, settings, alarm }: Dependencies): Promise<number> {
  let epoch = await epochs.register(queue.identity)
  const lowWater = await ballots.readLowWater(epoch, 0)
  const renamed = lowWater === null ? null : await queue.renameIfBehind(lowWater)
  if (renamed !== null) {
    epoch = await epochs.register(renamed)
    alarm('queue.db is an older copy: ballots that were accepted after it was made and not counted are lost; their receipts say so')
  }
  const known = `queue_epoch_${epoch}`
  const isNew = (await settings.get(known)) === null
  await settings.setIfAbsent(known, 'begun')
  if (isNew && epoch > 1 && renamed === null) {
    alarm('queue.db is a new file: ballots that were accepted into the old one and not counted are lost; their receipts say so')
  }
  return epoch
}
