import { codesInput, rollInput } from '@urna/contracts/access'
import { openPollInput, pollInput } from '@urna/contracts/poll'
import { ownPasswordInput, tokenInput } from '@urna/contracts/session'
import { newUserInput } from '@urna/contracts/user'
import { expect, test } from 'vitest'
import { detailText, faultsOfIssues, type Schema } from './faults.ts'
import { administrationCatalogues } from './texts/index.ts'

const question = { text: 'What?', options: [{ text: 'a' }, { text: 'b' }] }
const poll = { title: 'Lunch', questions: [question] }

/** What a form can hold that its schema does not take. */
const wrong: [string, Schema<unknown>, unknown, string][] = [
  ['no title', pollInput, { ...poll, title: ' ' }, 'title'],
  ['a long title', pollInput, { ...poll, title: 'x'.repeat(201) }, 'title'],
  ['an invisible character', pollInput, { ...poll, title: 'a\u0007' }, 'title'],
  ['a long description', pollInput, { ...poll, description: 'x'.repeat(2_001) }, 'description'],
  ['no questions', pollInput, { ...poll, questions: [] }, 'questions'],
  ['too many questions', pollInput, { ...poll, questions: Array(21).fill(question) }, 'questions'],
  ['one option', pollInput, { ...poll, questions: [{ ...question, options: [{ text: 'a' }] }] }, 'questions[0].options'],
  [
    'an option twice',
    pollInput,
    { ...poll, questions: [{ ...question, options: [{ text: 'a' }, { text: 'a' }] }] },
    'questions[0].options[1].text',
  ],
  ['a limit of 0', pollInput, { ...poll, questions: [{ ...question, method: 'multiple', min: 0 }] }, 'questions[0].min'],
  ['half a limit', pollInput, { ...poll, questions: [{ ...question, method: 'multiple', max: 1.5 }] }, 'questions[0].max'],
  ['no number', pollInput, { ...poll, questions: [{ ...question, method: 'multiple', max: Number.NaN }] }, 'questions[0].max'],
  ['more than the options', pollInput, { ...poll, questions: [{ ...question, method: 'multiple', max: 3 }] }, 'questions[0].max'],
  ['more than the most', pollInput, { ...poll, questions: [{ ...question, method: 'multiple', min: 2, max: 1 }] }, 'questions[0].min'],
  ['more than ever', pollInput, { ...poll, questions: [{ ...question, method: 'multiple', max: 101 }] }, 'questions[0].max'],
  ['no username', newUserInput, { username: '' }, 'username'],
  ['a username with a blank', newUserInput, { username: 'a b' }, 'username'],
  ['no e-mail address', newUserInput, { username: 'a', email: 'a' }, 'email'],
  ['a short password', newUserInput, { username: 'a', password: 'short' }, 'password'],
  ['a long password', newUserInput, { username: 'a', password: 'x'.repeat(201) }, 'password'],
  ['no present password', ownPasswordInput, { current: '', password: 'x'.repeat(12) }, 'current'],
  ['no scopes', tokenInput, { name: 'a', scopes: [] }, 'scopes'],
  ['no codes', codesInput, { count: 0 }, 'count'],
  ['nothing typed', codesInput, { count: Number.NaN }, 'count'],
  ['too many codes', codesInput, { count: 5_001 }, 'count'],
  ['no labels', codesInput, { labels: [] }, 'labels'],
  ['a long label', codesInput, { labels: ['x'.repeat(101)] }, 'labels[0]'],
  ['nobody', rollInput, { usernames: [] }, 'usernames'],
  ['no instant', openPollInput, { opensAt: 'soon' }, 'opensAt'],
]

test.each(wrong)('%s is said in both languages, in words of our own', (_, schema, value, field) => {
  const result = schema.safeParse(value)
  if (result.success) throw new Error('the schema takes it')
  for (const texts of Object.values(administrationCatalogues)) {
    const faults = faultsOfIssues(result.error.issues, texts)
    expect(Object.keys(faults)).toContain(field)
    // What begins so was not understood, and is shown as the schema says it: in English.
    expect(faults[field]?.startsWith(texts.faults.refused('')), faults[field]).toBe(false)
  }
})

/** What the api says of the rows of an import. */
const ofImports = [
  'expected a username that nobody else has',
  'expected a username that is not in line 2 already',
  'expected one of "administrator"|"organizer"|"auditor"|"voter"',
  'expected one of username, name, second_name, full_name, email, role, password',
  'expected each column once',
  'expected this column',
  'expected either full_name, or name and second_name',
  'expected a heading with the column username',
  'expected at least one row',
  'expected at most 500 rows with a password in one file: leave it out, or send several files',
  'expected at most 10000 rows',
  'expected 3 cells, as in the heading; got 1',
  'expected the quotation mark that closes a cell',
  'expected a shorter row: is a quotation mark missing?',
  'expected quotation marks around the whole cell, and doubled inside of it',
]

test.each(ofImports)('of an import, “%s” is said in both languages', (detail) => {
  for (const texts of Object.values(administrationCatalogues)) expect(detailText(detail, texts)).not.toContain('expected')
})

test('what is named in the api’s words is named in the reader’s', () => {
  const texts = administrationCatalogues['pt-BR']
  expect(detailText('expected a username that is not in line 2 already', texts)).toBe(texts.faults.usernameTwice(2))
  expect(detailText('expected one of "organizer"|"voter"', texts)).toBe(texts.faults.oneOf('organizer, voter'))
  expect(detailText('expected one of username, full_name, role', texts)).toBe(texts.faults.oneColumnOf('username, full_name, role'))
  expect(detailText('expected 3 cells, as in the heading; got 1', texts)).toBe(texts.faults.cells(3, 1))
})
