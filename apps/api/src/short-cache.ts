interface Kept<Value> {
  readonly value: Promise<Value>
  readonly sinceMs: number
}

/** Keeps answers for a moment, so that a crowd that asks the same costs one question. Bounded; failures are not kept. */
export class ShortCache<Value> {
  readonly #kept = new Map<string, Kept<Value>>()
  readonly #keepMs: number
  readonly #entriesMax: number
  readonly #monotonicMs: () => number

  constructor(options: { keepMs: number; entriesMax: number; monotonicMs?: () => number }) {
    this.#keepMs = options.keepMs
    this.#entriesMax = options.entriesMax
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now())
  }

  get(key: string, load: () => Promise<Value>): Promise<Value> {
    const nowMs = this.#monotonicMs()
    const known = this.#kept.get(key)
    if (known !== undefined && nowMs - known.sinceMs < this.#keepMs) return known.value
    this.#kept.delete(key)
    if (this.#kept.size >= this.#entriesMax) {
      const [oldest] = this.#kept.keys()
      if (oldest !== undefined) this.#kept.delete(oldest)
    }
    const kept = { value: load(), sinceMs: nowMs }
    this.#kept.set(key, kept)
    kept.value.catch(() => {
      if (this.#kept.get(key) === kept) this.#kept.delete(key)
    })
    return kept.value
  }

  clear(): void {
    this.#kept.clear()
  }
}
