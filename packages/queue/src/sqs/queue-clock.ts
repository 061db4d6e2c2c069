/**
 * The queue's time, as far as one process can know it: a clock that no setting of the machine's clock moves, held to what SQS says in
 * the Date header of its answers (whole seconds). It only decides how far to believe this machine: where both agree, nothing changes.
 */
export class QueueClock {
  readonly #monotonicMs: () => number
  readonly #wallMs: () => number
  #offsetMs: number

  constructor(monotonicMs: () => number = () => performance.now(), wallMs: () => number = () => Date.now()) {
    this.#monotonicMs = monotonicMs
    this.#wallMs = wallMs
    this.#offsetMs = wallMs() - monotonicMs()
  }

  /** Epoch milliseconds. */
  nowMs(): number {
    return Math.floor(this.#monotonicMs() + this.#offsetMs)
  }

  /** Where a call begins and ends, for {@link observe}. */
  monotonicMs(): number {
    return this.#monotonicMs()
  }

  /** An answer carried this date; it was made between the two instants of {@link monotonicMs}. */
  observe(dateMs: number, sentAtMs: number, receivedAtMs: number): void {
    if (!Number.isFinite(dateMs)) return
    const least = dateMs - receivedAtMs
    const most = dateMs + 999 - sentAtMs
    this.#offsetMs = Math.min(Math.max(this.#offsetMs, least), most)
  }

  /** How far this machine's own clock is behind the queue's; negative: ahead. */
  wallBehindMs(): number {
    return this.nowMs() - Math.floor(this.#wallMs())
  }
}

const counterMax = 0xffff

/**
 * A hybrid logical clock: instants of this process that never repeat and never go back, each as close to the queue's time as that
 * allows. After 65,536 in one millisecond it runs ahead instead of wrapping.
 */
export class HybridClock {
  /** Tells this process's instants from those of others. */
  readonly node: number
  readonly #nowMs: () => number
  #ms = 0
  #counter = 0

  constructor(nowMs: () => number, node: number) {
    this.#nowMs = nowMs
    this.node = node
  }

  next(): { readonly ms: number; readonly counter: number } {
    const now = this.#nowMs()
    if (now > this.#ms) {
      this.#ms = now
      this.#counter = 0
    } else if (this.#counter < counterMax) {
      this.#counter++
    } else {
      this.#ms++
      this.#counter = 0
    }
    return { ms: this.#ms, counter: this.#counter }
  }
}
