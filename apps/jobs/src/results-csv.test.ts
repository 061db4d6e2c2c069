import { safeText } from '@urna/contracts'
import { resultsOf } from '@urna/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resultsCsv } from './results-csv.ts'
import { parseCsv } from './testing/parse-csv.ts'
import { samplePoll, sampleSnapshot } from './testing/sample-polls.ts'

const header = 'survey_id,survey,question,answer,total,percent of voters,winner\r\n'

function csvOfOptions(optionTexts: readonly string[], totals: readonly number[] = [], bom = false): string {
  const results = resultsOf(samplePoll(optionTexts, { surveyId: 1 }), sampleSnapshot(totals), 0)
  return [...resultsCsv([results], { bom })].join('')
}

const answersIn = (text: string) =>
  parseCsv(text)
    .slice(1)
    .map((row) => row[3])

describe('results CSV', () => {
  it('has a line for each option, with plain numbers and the leading option', () => {
    // 2 of 3 = 66.7 %, 1 of 3 = 33.3 %
    expect(csvOfOptions(['coca', 'pepsi', 'água'], [2, 1, 0])).toBe(
      `${header}1,Coca or Pepsi?,Coca or Pepsi?,coca,2,66.7,yes\r\n1,Coca or Pepsi?,Coca or Pepsi?,pepsi,1,33.3,no\r\n1,Coca or Pepsi?,Coca or Pepsi?,água,0,0.0,no\r\n`,
    )
  })

  it('names every leading option of a tie, and none where nobody voted', () => {
    const winners = (totals: number[]) => parseCsv(csvOfOptions(['a', 'b'], totals)).map((row) => row[6])
    expect(winners([2, 2])).toEqual(['winner', 'yes', 'yes'])
    expect(winners([0, 0])).toEqual(['winner', 'no', 'no'])
  })

  it('gives the poll id where there is no survey number, and the text of each question', () => {
    const poll = samplePoll(['a', 'b'], { surveyId: null, title: 'Title', question: 'Question' })
    const [, first] = parseCsv([...resultsCsv([resultsOf(poll, sampleSnapshot([1, 0]), 0)], { bom: false })].join(''))
    expect(first).toEqual([poll.id, 'Title', 'Question', 'a', '1', '100.0', 'yes'])
  })

  it('is a header where there are no polls, and the byte order mark comes first and once', () => {
    expect([...resultsCsv([], { bom: false })]).toEqual([header])
    const text = csvOfOptions(['a', 'b'], [], true)
    expect(text.startsWith(`\uFEFF${header}`)).toBe(true)
    expect(text.lastIndexOf('\uFEFF')).toBe(0)
  })

  it('reads back what was written: separators, quotes, line breaks, emoji, right-to-left', () => {
    const texts = [
      'a,b',
      'say "yes"',
      '"',
      '""',
      'two\nlines',
      'two\r\nlines',
      'lone\rreturn',
      '🗳️👩‍👩‍👧',
      'שלום, עולם',
      'مرحبا',
      ' blanks ',
      "l'eau",
      'a;b',
      '1',
      '__proto__',
      'a\tb',
    ]
    expect(answersIn(csvOfOptions(texts))).toEqual(texts)
  })

  it('keeps a negative number a number: only text is made safe', () => {
    const poll = samplePoll(['a', 'b'])
    const text = [...resultsCsv([resultsOf(poll, sampleSnapshot([-2, 5]), 0)], { bom: false })].join('')
    expect(parseCsv(text)[1]?.[4]).toBe('-2')
  })
})

const formulas = [
  '=1+1',
  '+1+1',
  '-1+1',
  '@SUM(A1)',
  "=cmd|' /C calc'!A0",
  '=HYPERLINK("http://evil.example","x")',
  '-2+3+cmd|x',
  '+"x"',
  '@x',
  '=',
  '--',
  '=1,2',
  '="a""b"',
]
const hostile = [
  ...formulas,
  ...formulas
    .slice(0, 5)
    .flatMap((formula) => ['\t', '\r', '\n', '\r\n', ' ', '\u00A0', '\u200B', '\uFEFF', '\0', '\u202E'].map((before) => before + formula)),
  '\uFF1D1+1',
  '\uFF0B1',
  '\uFF0D1',
  '\uFF20x',
  '\uFE661+1',
  '\uFE62x',
  '\uFE63x',
  '\uFE6Bx',
  '\u22121',
  'innocent;=1+1',
  'innocent; @x',
  'innocent;\u200B-1',
  '"x";=1+1',
  'x","=1+1',
  'x"\r\n=1+1',
  'a\n=1+1',
  'a\t=1+1',
  '\t',
  '\r',
  '=1+1;=1+1',
]
const formulaStart = /^(?:[\t\r\n]|[\s\p{C}]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20\uFE66\uFE62\uFE63\uFE6B\u2212])/u

describe('formulas', () => {
  it(`none of ${hostile.length} hostile cells begins one, in whichever column, read with commas or with semicolons`, () => {
    expect(hostile.length).toBeGreaterThanOrEqual(40)
    const polls = hostile.map((text) => resultsOf(samplePoll([text, 'x'], { title: text, question: text }), sampleSnapshot([]), 0))
    const text = [...resultsCsv(polls, { bom: false })].join('')
    const rows = parseCsv(text)
    expect(rows).toHaveLength(1 + 2 * hostile.length)
    expect(rows.every((row) => row.length === 7)).toBe(true)
    const begun = [...rows, ...parseCsv(text, ';')].flat().filter((cell) => formulaStart.test(cell))
    expect(begun).toEqual([])
  })

  it('only an apostrophe is added, and only where it is needed', () => {
    expect(safeText('=1+1')).toBe("'=1+1")
    expect(safeText('yes;-)')).toBe("yes;'-)")
    const harmless = ['', 'a=b', '1-2', 'me@example.org', 'C++', "'quoted", 'a; b', 'não', '🗳️ =', '(=)']
    expect(harmless.map(safeText)).toEqual(harmless)
  })

  it('holds for any text, and nothing is lost', () => {
    const pieces = fc.string({ unit: fc.constantFrom('=', '-', ';', '"', ',', ' ', '\t', '\r', '\n', 'a', '\u200B', '\uFF0B', '🗳️') })
    fc.assert(
      fc.property(fc.oneof(pieces, fc.string({ unit: 'grapheme' })), (text) => {
        const [cell] = answersIn(csvOfOptions([text, 'x']))
        expect(formulaStart.test(cell ?? '')).toBe(false)
        expect(cell?.replaceAll("'", '')).toBe(text.replaceAll("'", ''))
      }),
      { numRuns: 2_000 },
    )
  })
})
