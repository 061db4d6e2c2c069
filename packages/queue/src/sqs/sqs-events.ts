/** What the operator may want to know. Nothing in it says who voted or what. */
export type SqsEvent =
  /**
   * The queue was opened. `made`: there was none. `replaced`: it is not the one that this process knew before: what was accepted into
   * that one and not counted is lost. Somebody must look.
   */
  | { readonly kind: 'queue'; readonly name: string; readonly epoch: number; readonly made: boolean; readonly replaced: boolean }
  /** An existing queue is used as it is; this about it is not as it should be. */
  | { readonly kind: 'attribute'; readonly attribute: string; readonly got: string; readonly expected: string }
  /** This machine's clock differs from the queue's by more than 5 s; negative: it is ahead. Said once, until it is right again. */
  | { readonly kind: 'clock'; readonly behindMs: number }
  /** SQS refused single messages, or a call failed; `code` is its name for why. */
  | { readonly kind: 'failed'; readonly call: SqsCallName; readonly messages: number; readonly code: string }
  /** An entry carries another epoch than its queue has: an api wrote into a replaced queue without having noticed. */
  | { readonly kind: 'epoch'; readonly expected: number; readonly got: number }

export type SqsCallName = 'send' | 'receive' | 'delete' | 'visibility' | 'open'
