import { stringify } from 'csv-stringify/sync'
import { csvColumns } from './csv.ts'
import { safeText } from './csv-cell.ts'

/** Of the results of a poll what stands in its CSV. */
export interface CsvResults {
  readonly poll: { readonly id: string; readonly surveyId: number | null; readonly definition: { readonly title: string } }
  readonly questions: readonly {
    readonly text: string
    readonly options: readonly { readonly text: string; readonly total: number; readonly percent: number; readonly leads: boolean }[]
  }[]
}

export interface CsvOptions {
  /** Begin with a byte order mark: Excel then reads accents and emoji. */
  readonly bom: boolean
}

type Row = readonly (string | number)[]

/** The text of a results CSV (RFC 4180: comma, CRLF), in pieces: the header, then each poll. Every piece ends with a line break. */
export function* resultsCsv(results: Iterable<CsvResults>, options: CsvOptions): Generator<string> {
  yield csvHeader(options)
  for (const one of results) yield csvOfPoll(one)
}

export function csvHeader({ bom }: CsvOptions): string {
  return `${bom ? '\uFEFF' : ''}${csvText([csvColumns])}`
}

/** One line for each option of each question. */
export function csvOfPoll(results: CsvResults): string {
  return csvText(rowsOf(results))
}

/** How many lines {@link csvOfPoll} has. */
export function csvRowCount(results: CsvResults): number {
  return results.questions.reduce((count, question) => count + question.options.length, 0)
}

function rowsOf({ poll, questions }: CsvResults): Row[] {
  return questions.flatMap((question) =>
    question.options.map((option) => [
      poll.surveyId ?? poll.id,
      poll.definition.title,
      question.text,
      option.text,
      option.total,
      // One decimal always, with a point: a column of numbers of one form.
      option.percent.toFixed(1),
      option.leads ? 'yes' : 'no',
    ]),
  )
}

function csvText(rows: readonly Row[]): string {
  return stringify(
    // Numbers are left alone: they stay numbers, and a negative one is no formula.
    rows.map((row) => row.map((cell) => (typeof cell === 'string' ? safeText(cell) : cell))),
    // The second option: every kind of line break is quoted, not only the one between records.
    { record_delimiter: '\r\n', quote_record_delimiter: true, eof: true },
  )
}
