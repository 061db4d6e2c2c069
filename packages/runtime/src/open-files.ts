interface Report {
  readonly userLimits?: { readonly open_files?: { readonly soft?: number | 'unlimited' } }
}

/**
 * How many files and connections this process may have open at once (`ulimit -n`); null where that is not limited, or not known. Asked at
 * the start: later the report would look up every connection.
 */
export function openFilesMax(): number | null {
  const { userLimits } = process.report.getReport() as Report
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : null
}

/** At most half of the connections there can be: the other half stays for others. Whoever watches results must shut no voter out. */
export function withinOpenFiles(wanted: number): number {
  return Math.min(wanted, Math.floor((openFilesMax() ?? Number.POSITIVE_INFINITY) / 2))
}

/** At most nine tenths of the files: what is left is for databases, queue and logs, without which no connection is of use. */
export function connectionsWithinOpenFiles(wanted: number): number {
  return Math.min(wanted, Math.floor((openFilesMax() ?? Number.POSITIVE_INFINITY) * 0.9))
}
