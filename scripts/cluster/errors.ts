/** Something that the person at the terminal can mend: said in words, without a stack. */
export class ClusterError extends Error {
  override name = 'ClusterError'
}

export function textOfError(error: unknown): string {
  if (error instanceof ClusterError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
