export interface StoredExport {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

/**
 * Guarantee: a name appears only when its content is complete and on disk (temporary name, then rename); a crash in between leaves
 * nothing that looks like an export.
 */
export interface ExportStore {
  write(name: string, chunks: AsyncIterable<string> | Iterable<string>): Promise<StoredExport>
  /** Complete exports, oldest first. */
  list(): Promise<string[]>
  remove(name: string): Promise<void>
}
