/**
 * Guarantee: the same identity always gets the same epoch, a new identity a greater one than every epoch before (u32, from 1).
 * Epochs are kept on the primary.
 */
export interface QueueEpochs {
  /** `identity` is what the queue calls itself, at most 64 bytes: a wiped or replaced queue has another one. */
  register(identity: Uint8Array): Promise<number>
}
