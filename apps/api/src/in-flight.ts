import type { ServerResponse } from 'node:http'

/** Which requests are under way in this process, and whether it takes more. */
export class InFlight {
  draining = false
  #count = 0
  #idle: (() => void)[] = []
  readonly #streams = new WeakSet<ServerResponse>()

  begin(): void {
    this.#count++
  }

  end(): void {
    this.#count--
    if (this.#count === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** From here on this answer has no end of its own: nobody waits for it, and how long it takes says nothing. */
  becomesStream(response: ServerResponse): void {
    this.#streams.add(response)
    this.end()
  }

  isStream(response: ServerResponse): boolean {
    return this.#streams.has(response)
  }

  /** Resolves when nothing is under way, or after `limitMs`. */
  idle(limitMs: number): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limitMs)
      this.#idle.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}
