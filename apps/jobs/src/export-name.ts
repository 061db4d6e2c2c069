/** `results-20261121T205907Z.csv`; the second one of the same second is `results-20261121T205907Z-2.csv`. */
export interface ExportName {
  /** `20261121T205907Z`, UTC. */
  readonly stamp: string
  /** From 1. */
  readonly ordinal: number
}

export const manifestSuffix = '.manifest.json'

export function exportFileName({ stamp, ordinal }: ExportName): string {
  return `results-${stamp}${ordinal === 1 ? '' : `-${ordinal}`}.csv`
}

/** Of an instant, epoch milliseconds. */
export function exportStamp(atMs: number): string {
  return new Date(atMs)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:]/g, '')
}

/** Of an export or its manifest; null: the file is none of ours. */
export function parseExportName(fileName: string): ExportName | null {
  const [, stamp, ordinal] = /^results-(\d{8}T\d{6}Z)(?:-([1-9]\d{0,5}))?\.csv(?:\.manifest\.json)?$/.exec(fileName) ?? []
  return stamp === undefined ? null : { stamp, ordinal: ordinal === undefined ? 1 : Number(ordinal) }
}

/**
 * Oldest first; a manifest right behind its export. Not the order of the letters, in which `-2.csv` stands before `.csv` and `-10` before
 * `-2`. Names that are none of ours come first, by their letters.
 */
export function compareFileNames(left: string, right: string): number {
  const [a, b] = [parseExportName(left), parseExportName(right)]
  if (a === null || b === null) return a === b ? compareText(left, right) : a === null ? -1 : 1
  return compareText(a.stamp, b.stamp) || a.ordinal - b.ordinal || left.length - right.length
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
