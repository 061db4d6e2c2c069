import { describe, expect, it } from 'vitest'
import { hideRowValues } from './hide-row-values.ts'

describe('what a server says of a row', () => {
  it.each([
    [
      "Could not execute Write_rows_v1 event on table urna_1.t; Duplicate entry 'planted-key' for key 'PRIMARY', Error_code: 1062",
      "Could not execute Write_rows_v1 event on table urna_1.t; Duplicate entry '...' for key 'PRIMARY', Error_code: 1062",
    ],
    ["Duplicate entry 'it's planted-key' for key 't.PRIMARY'", "Duplicate entry '...' for key 't.PRIMARY'"],
    ["Duplicate entry 'planted-k", "Duplicate entry '..."],
    [
      "Error 'Duplicate entry 'planted-key' for key 'PRIMARY'' on query. Default database: 'urna_1'. Query: 'insert into t values ('planted-key')'",
      "Error 'Duplicate entry '...' for key 'PRIMARY'' on query.",
    ],
    ["Error executing. Query: 'insert planted-key'", 'Error executing.'],
    ["Incorrect string value: 'planted-key' for column 'a' at row 1", "Incorrect string value: '...' at row 1"],
    ["Can't find record in 't', Error_code: 1032", "Can't find record in 't', Error_code: 1032"],
  ])('%s', (text, shown) => {
    expect(hideRowValues(text)).toBe(shown)
  })
})
