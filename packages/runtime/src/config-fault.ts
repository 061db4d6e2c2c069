export interface ConfigFault {
  readonly name: string
  readonly expected: string
  /** Never a secret: of those only how long it is. */
  readonly got: string
}

/** Everything that is wrong with the settings, all at once. The message is for the person who starts the process. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    const lines = faults.map((fault) => `  ${fault.name}: expected ${fault.expected}; got ${fault.got}`)
    super(`${faults.length === 1 ? 'A setting is' : `${faults.length} settings are`} wrong:\n${lines.join('\n')}`)
    this.faults = faults
  }
}

export function faultOf(name: string, expected: string, got: string): ConfigFault {
  return { name, expected, got }
}

const shownLengthMax = 80

export function shown(text: string): string {
  // An address may carry a password, which may hold any character: nothing before the last @ is shown.
  const safe = text.replace(/^.*@/s, '...@')
  return JSON.stringify(safe.length > shownLengthMax ? `${safe.slice(0, shownLengthMax)}...` : safe)
}

/** What is said of a secret. */
export function unshown(text: string): string {
  return `${text.length} character${text.length === 1 ? '' : 's'} (not shown)`
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
}

export function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? String(error)
}
