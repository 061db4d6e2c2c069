import { Readable } from 'node:stream'
import { setImmediate as nextRound } from 'node:timers/promises'
import { type ImportFault, importRowsMax, newUserInput } from '@urna/contracts'
import { foldedUsername, splitFullName, type User, type UserWithPassword } from '@urna/core'
import { CsvError, parse } from 'csv-parse'
import { guessableDetail, isGuessable } from './guessable-password.ts'

export const importFaultsMax = 200
/** Each takes some tens of milliseconds of a processor. */
export const importPasswordsMax = 500
const askedAtOnceMax = 1_000
const pieceLength = 32_768

const columns = ['username', 'name', 'second_name', 'full_name', 'email', 'role', 'password'] as const
type Column = (typeof columns)[number]

/** Column -> the field of a user that it fills. */
const fieldOf = {
  username: 'username',
  name: 'name',
  second_name: 'secondName',
  full_name: 'name',
  email: 'email',
  role: 'role',
  password: 'password',
} as const satisfies Record<Column, string>

export interface ImportRow {
  /** Where the row begins; the heading is line 1. */
  readonly line: number
  readonly user: UserWithPassword
}

export interface JudgedImport {
  /** Those without a fault. */
  readonly rows: ImportRow[]
  /** With those that have one. */
  readonly rowsTotal: number
  /** The first {@link importFaultsMax}, by line. */
  readonly faults: ImportFault[]
  readonly faultsTotal: number
}

export function takenFault(line: number): ImportFault {
  return { line, column: 'username', detail: 'expected a username that nobody else has' }
}

/** Says of each row of a CSV file whether it would make a user. Lets other work go on in between. `known`: users who have one of these names. */
export async function judgeImport(
  csv: string,
  known: (usernames: readonly string[]) => Promise<readonly Pick<User, 'username'>[]>,
): Promise<JudgedImport> {
  const faults: ImportFault[] = []
  const rows: ImportRow[] = []
  const lineOfName = new Map<string, number>()
  let rowsTotal = 0
  let passwords = 0
  let heading: Column[] | null = null
  try {
    for await (const { line, cells } of recordsOf(csv)) {
      if (heading === null) {
        heading = headingOf(cells, line, faults)
        if (heading === null) return judged()
        continue
      }
      rowsTotal++
      if (rowsTotal > importRowsMax) {
        faults.push({ line, column: '', detail: `expected at most ${importRowsMax} rows` })
        break
      }
      const user = userOf(heading, cells, line, faults)
      if (user === null) continue
      const folded = foldedUsername(user.username)
      const earlier = lineOfName.get(folded)
      if (earlier !== undefined) {
        faults.push({ line, column: 'username', detail: `expected a username that is not in line ${earlier} already` })
        continue
      }
      lineOfName.set(folded, line)
      if (user.password !== null && ++passwords === importPasswordsMax + 1) {
        const detail = `expected at most ${importPasswordsMax} rows with a password in one file: leave it out, or send several files`
        faults.push({ line, column: 'password', detail })
      }
      if (user.password !== null && passwords <= importPasswordsMax && (await isGuessable(user.password, user))) {
        faults.push({ line, column: 'password', detail: guessableDetail })
        continue
      }
      rows.push({ line, user })
    }
  } catch (error) {
    const fault = brokenCsv(error)
    if (fault === null) throw error
    faults.push(fault)
  }
  if (heading === null && faults.length === 0) faults.push({ line: 1, column: '', detail: 'expected a heading with the column username' })
  else if (rowsTotal === 0 && faults.length === 0) faults.push({ line: 2, column: '', detail: 'expected at least one row' })
  await refuseTaken()
  return judged()

  async function refuseTaken(): Promise<void> {
    const taken = new Set<number>()
    for (let start = 0; start < rows.length; start += askedAtOnceMax) {
      const names = rows.slice(start, start + askedAtOnceMax).map(({ user }) => user.username)
      for (const { username } of await known(names)) {
        const line = lineOfName.get(foldedUsername(username))
        if (line === undefined) continue
        taken.add(line)
        faults.push(takenFault(line))
      }
    }
    if (taken.size > 0) rows.splice(0, rows.length, ...rows.filter(({ line }) => !taken.has(line)))
  }

  function judged(): JudgedImport {
    faults.sort((left, right) => left.line - right.line)
    return { rows, rowsTotal, faults: faults.slice(0, importFaultsMax), faultsTotal: faults.length }
  }
}

/** Rows of the file with the line in which each begins; blank lines are none. Throws a CsvError. */
async function* recordsOf(csv: string): AsyncIterable<{ line: number; cells: string[] }> {
  const text = csv.replace(/^\uFEFF/, '')
  const parser = parse({
    delimiter: delimiterOf(text),
    relax_column_count: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: 100_000,
    info: true,
    raw: true,
  })
  const source = Readable.from(pieces(text)).on('error', (error) => parser.destroy(error))
  let line = 1
  for await (const one of source.pipe(parser)) {
    const { record, raw } = one as { record: string[]; raw: string }
    const began = line
    line += linesIn(raw)
    if (record.every((cell) => cell.trim() === '')) continue
    yield { line: began, cells: record }
  }
}

async function* pieces(text: string): AsyncIterable<string> {
  for (let start = 0; start < text.length; start += pieceLength) {
    yield text.slice(start, start + pieceLength)
    await nextRound()
  }
}

function linesIn(raw: string): number {
  return raw.match(/\r\n|\n|\r/g)?.length ?? 0
}

/** Whichever of both stands more often in the heading. */
function delimiterOf(text: string): string {
  const [heading = ''] = text.split(/[\r\n]/, 1)
  const count = (delimiter: string) => heading.split(delimiter).length
  return count(';') > count(',') ? ';' : ','
}

/** Null: the rows below cannot be understood; the faults say why. */
function headingOf(cells: readonly string[], line: number, faults: ImportFault[]): Column[] | null {
  const before = faults.length
  const names = cells.map((cell) => cell.trim().toLowerCase().replaceAll(/[ -]/g, '_'))
  const expected = `expected one of ${columns.join(', ')}`
  names.forEach((name, index) => {
    if (!isColumn(name)) faults.push({ line, column: (cells[index] ?? '').trim().slice(0, 100), detail: expected })
    else if (names.indexOf(name) !== index) faults.push({ line, column: name, detail: 'expected each column once' })
  })
  if (!names.includes('username')) faults.push({ line, column: 'username', detail: 'expected this column' })
  if (names.includes('full_name') && (names.includes('name') || names.includes('second_name'))) {
    faults.push({ line, column: 'full_name', detail: 'expected either full_name, or name and second_name' })
  }
  return faults.length > before ? null : names.filter(isColumn)
}

function isColumn(name: string): name is Column {
  return (columns as readonly string[]).includes(name)
}

/** Null: it has faults. */
function userOf(heading: readonly Column[], cells: readonly string[], line: number, faults: ImportFault[]): UserWithPassword | null {
  if (cells.length !== heading.length) {
    faults.push({ line, column: '', detail: `expected ${heading.length} cells, as in the heading; got ${cells.length}` })
    return null
  }
  const input: Record<string, string | null> = {}
  heading.forEach((column, index) => {
    const cell = cells[index] ?? ''
    if (column === 'full_name') Object.assign(input, splitFullName(cell.normalize('NFC').trim()))
    else if (column === 'password') input.password = cell === '' ? null : cell
    else if (column !== 'role') input[fieldOf[column]] = cell
    else if (cell.trim() !== '') input.role = cell.trim().toLowerCase()
  })
  const parsed = newUserInput.safeParse(input)
  if (parsed.success) return { ...parsed.data, password: parsed.data.password ?? null }
  const seen = new Set<string>()
  for (const { path, message } of parsed.error.issues) {
    const field = String(path[0])
    if (seen.has(field)) continue
    seen.add(field)
    const column = heading.find((name) => fieldOf[name] === field) ?? (heading.includes('full_name') ? 'full_name' : field)
    faults.push({ line, column, detail: message.startsWith('expected') ? message : message.replace(/^[A-Z][^:]*: /, '') })
  }
  return null
}

/** Null: it is no fault of the file. */
function brokenCsv(error: unknown): ImportFault | null {
  if (!(error instanceof CsvError)) return null
  const { code, lines } = error as CsvError & { readonly lines?: number }
  const line = Math.max(1, lines ?? 1)
  switch (code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return { line, column: '', detail: 'expected the quotation mark that closes a cell' }
    case 'CSV_MAX_RECORD_SIZE':
      return { line, column: '', detail: 'expected a shorter row: is a quotation mark missing?' }
    default:
      return { line, column: '', detail: 'expected quotation marks around the whole cell, and doubled inside of it' }
  }
}
