import type { ApiDependencies, DependencyName } from './dependencies.ts'
import { ShortCache } from './short-cache.ts'

const checkTimeoutMs = 2_000

/** Whether the dependencies answer, asked at most twice a second however often the health routes are called. */
export class Health {
  readonly #checks: ApiDependencies['dependencyChecks']
  readonly #cache = new ShortCache<boolean>({ keepMs: 500, entriesMax: 3 })

  constructor(checks: ApiDependencies['dependencyChecks']) {
    this.#checks = checks
  }

  /** Those that there are. */
  get names(): DependencyName[] {
    return Object.keys(this.#checks) as DependencyName[]
  }

  answers(name: DependencyName): Promise<boolean> {
    return this.#cache.get(name, () => within(checkTimeoutMs, this.#checks[name] ?? (async () => false)))
  }
}

async function within(limitMs: number, check: () => Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, limitMs, false)
  })
  try {
    return await Promise.race([check(), timeout])
  } catch {
    return false
  } finally {
    clearTimeout(timer)
  }
}
