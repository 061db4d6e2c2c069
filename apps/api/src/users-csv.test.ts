import { importRowsMax } from '@urna/contracts'
import { describe, expect, it } from 'vitest'
import { importFaultsMax, importPasswordsMax, judgeImport } from './users-csv.ts'

const judge = (csv: string, known: readonly string[] = []) =>
  judgeImport(csv, async (asked) =>
    known.filter((name) => asked.some((one) => one.toLowerCase() === name.toLowerCase())).map((username) => ({ username })),
  )

/** `line column: detail` of each fault. */
async function faultsOf(csv: string, known: readonly string[] = []): Promise<string[]> {
  return (await judge(csv, known)).faults.map(({ line, column, detail }) => `${line} ${column}: ${detail}`)
}

async function usersOf(csv: string) {
  const { rows, faults } = await judge(csv)
  expect(faults).toEqual([])
  return rows.map(({ user: { username, name, secondName, email, role, password } }) => [username, name, secondName, email, role, password])
}

describe('a file of users', () => {
  const ana = ['ana', 'Ana', 'Lima', 'ana@school.example', 'organizer', null]
  it.each([
    ['commas', 'username,name,second_name,email,role\nana,Ana,Lima,ana@school.example,organizer\n'],
    ['semicolons', 'username;name;second_name;email;role\nana;Ana;Lima;ana@school.example;organizer\n'],
    ['a byte order mark, CRLF', '\uFEFFusername,name,second_name,email,role\r\nana,Ana,Lima,ana@school.example,organizer\r\n'],
    [
      'a byte order mark before a quotation mark',
      '\uFEFF"username",name,second_name,email,role\nana,Ana,Lima,ana@school.example,organizer\n',
    ],
    ['no line break at the end', 'username,name,second_name,email,role\nana,Ana,Lima,ana@school.example,organizer'],
    ['CR alone', 'username,name,second_name,email,role\rana,Ana,Lima,ana@school.example,organizer\r'],
    ['quotation marks', '"username","name","second_name","email","role"\n"ana","Ana","Lima","ana@school.example","organizer"\n'],
    [
      'another order, other cases',
      'ROLE;E-Mail;Second Name;USERNAME;Name\nOrganizer ;ana@school.example;Lima;ana;Ana\n'.replace('E-Mail', 'EMAIL'),
    ],
    ['blank lines', '\nusername,name,second_name,email,role\n\nana,Ana,Lima,ana@school.example,organizer\n,,,,\n\n'],
    ['full_name', 'username,full_name,email,role\nana,Ana Lima,ana@school.example,organizer\n'],
  ])('with %s', async (_what, csv) => {
    expect(await usersOf(csv)).toEqual([ana])
  })

  it('needs the username alone; the rest is empty, the role voter, no password', async () => {
    expect(await usersOf('username\nana\nbruno\n')).toEqual([
      ['ana', '', '', '', 'voter', null],
      ['bruno', '', '', '', 'voter', null],
    ])
  })

  it('takes a password as it is, quotation marks, delimiters and blanks included', async () => {
    expect(await usersOf('username,password\nana," a ""long"", password; "\n')).toEqual([
      ['ana', '', '', '', 'voter', ' a "long", password; '],
    ])
  })

  it.each([
    ['nothing', '', ['1 : expected a heading with the column username']],
    ['a heading alone', 'username\n', ['2 : expected at least one row']],
    ['no username', 'name\nAna\n', ['1 username: expected this column']],
    [
      'an unknown column',
      'username,age\nana,7\n',
      ['1 age: expected one of username, name, second_name, full_name, email, role, password'],
    ],
    ['a column twice', 'username,Username\nana,b\n', ['1 username: expected each column once']],
    ['two kinds of names', 'username,full_name,name\nana,A,B\n', ['1 full_name: expected either full_name, or name and second_name']],
    ['a cell too few', 'username,name\nana\n', ['2 : expected 2 cells, as in the heading; got 1']],
    ['a cell too many', 'username,name\nana,Ana,x\n', ['2 : expected 2 cells, as in the heading; got 3']],
    ['an empty username', 'username,name\n,Ana\n', ['2 username: expected text that is not empty']],
    ['a bad role', 'username,role\nana,king\n', ['2 role: expected one of "administrator"|"organizer"|"auditor"|"voter"']],
    ['a bad address', 'username,email\nana,x@\n', ['2 email: expected an e-mail address such as ana@school.example, or nothing']],
    ['a short password', 'username,password\nana,short\n', ['2 password: expected at least 12 characters']],
    ['an open quotation mark', 'username,name\nana,"Ana\nbruno,B\n', ['expected the quotation mark that closes a cell']],
    ['a quotation mark inside', 'username,name\nana,A"n"a\n', ['expected quotation marks around the whole cell, and doubled inside of it']],
  ])('with %s says where and what is wrong', async (_what, csv, expected) => {
    const faults = await faultsOf(csv)
    expect(faults).toHaveLength(expected.length)
    for (const [index, text] of expected.entries()) expect(faults[index]).toContain(text)
  })

  it('names the line in which a row begins, after line breaks inside of cells', async () => {
    const csv = 'username,name\r\nana,"Ana\r\nLima"\r\n\r\nbruno,"B\n\nC"\r\na b,x\r\n'
    // ana: 2-3 (a name is one line), 4 is blank, bruno: 5-7, a b: 8
    expect((await judge(csv)).faults.map(({ line, column }) => `${line} ${column}`)).toEqual(['2 name', '5 name', '8 username'])
  })

  it('names both lines of a username that comes twice, whatever its case, and those that are taken', async () => {
    expect(await faultsOf('username\nana\nbruno\nANA\ncarla\n', ['Bruno', 'ana'])).toEqual([
      '2 username: expected a username that nobody else has',
      '3 username: expected a username that nobody else has',
      '4 username: expected a username that is not in line 2 already',
    ])
  })

  it('names every fault of a row, each column once', async () => {
    expect((await judge('username,email,role,password\na b,x,king,short\n')).faults.map(({ column }) => column)).toEqual([
      'username',
      'email',
      'role',
      'password',
    ])
  })

  it('has at most so many rows, and so many with a password', async () => {
    const rows = (count: number, row: (index: number) => string) => Array.from({ length: count }, (_, index) => row(index)).join('\n')
    const full = await judge(`username\n${rows(importRowsMax, (index) => `u${index}`)}`)
    expect([full.rows.length, full.faultsTotal]).toEqual([importRowsMax, 0])
    expect(await faultsOf(`username\n${rows(importRowsMax + 1, (index) => `u${index}`)}`)).toEqual([
      `${importRowsMax + 2} : expected at most 20000 rows`,
    ])
    const withPasswords = (count: number) => `username,password\n${rows(count, (index) => `u${index},a long password`)}`
    expect((await judge(withPasswords(importPasswordsMax))).faultsTotal).toBe(0)
    expect((await judge(withPasswords(importPasswordsMax + 5))).faults.map(({ line, column }) => `${line} ${column}`)).toEqual([
      '502 password',
    ])
    const bad = await judge(`username\n${rows(1_000, () => 'a b')}`)
    expect([bad.faults.length, bad.faultsTotal, bad.rowsTotal]).toEqual([importFaultsMax, 1_000, 1_000])
  })

  it('that is large lets others work in between', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    await judge(`username,name\n${Array.from({ length: 20_000 }, (_, index) => `u${index},${'x'.repeat(90)}`).join('\n')}`)
    clearInterval(timer)
    expect(turns).toBeGreaterThan(10)
  })
})
