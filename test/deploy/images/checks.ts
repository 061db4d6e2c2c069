import assert from 'node:assert/strict'

/** Checks one after the other; one that fails does not keep the next from running. */
export class Checks {
  passed = 0
  failed = 0
  skipped = 0

  async check(name: string, look: () => Promise<string | undefined>): Promise<void> {
    const since = performance.now()
    try {
      const note = await look()
      this.passed += 1
      const seconds = ((performance.now() - since) / 1_000).toFixed(1)
      console.log(`ok      ${name}${note === undefined ? '' : ` (${note})`} ${seconds} s`)
    } catch (error) {
      this.failed += 1
      console.log(`FAILED  ${name}\n        ${String((error as Error).message).replaceAll('\n', '\n        ')}`)
    }
  }

  skip(name: string, why: string): void {
    this.skipped += 1
    console.log(`SKIPPED ${name}: ${why}`)
  }

  get line(): string {
    return `${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`
  }
}

/** Bounded, and says what was seen last. */
export async function eventually<Value>(
  what: string,
  look: () => Promise<Value>,
  isSo: (value: Value) => boolean,
  ms = 60_000,
): Promise<Value> {
  const until = performance.now() + ms
  let seen: unknown
  for (;;) {
    try {
      const value = await look()
      if (isSo(value)) return value
      seen = value
    } catch (error) {
      seen = error
    }
    if (performance.now() > until)
      assert.fail(`${what}: not so after ${ms / 1_000} s; last seen: ${seen instanceof Error ? seen.message : JSON.stringify(seen)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
