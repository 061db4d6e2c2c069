/** Columns of every results CSV, in order. `percent of voters`: of the voters who answered the question, one decimal. */
export const csvColumns = ['survey_id', 'survey', 'question', 'answer', 'total', 'percent of voters', 'winner'] as const

/** Beside every export stands `<name>.manifest.json`, written last: an export with a manifest is complete. */
export interface CsvManifest {
  file: string
  /** Data rows, without the header. */
  rows: number
  bytes: number
  sha256: string
  /** All ballots accepted until this instant are in the file; null if nothing was ever counted. ISO 8601 in UTC. */
  asOf: string | null
  createdAt: string
}
