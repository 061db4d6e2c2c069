import type { Poll, PollQuestion } from '@urna/contracts'
import { expect, test } from 'vitest'
import { answersOf, choicesOf, faultsOfErrors, findFaults, toggled } from './ballot-answers.ts'

function question(number: number, more: Partial<PollQuestion>): PollQuestion {
  const options = [1, 2, 3].map((option) => ({ number: option, text: `option ${option}` }))
  return { number, text: `question ${number}`, method: 'single', required: true, min: 1, max: 1, options, ...more }
}

const poll = {
  questions: [question(1, {}), question(2, { method: 'multiple', min: 2, max: 2 }), question(3, { required: false })],
} as Poll

test('a question that must be answered, and limits of the others, are faults; blank is none where it is allowed', () => {
  expect(findFaults(poll, { 1: [], 2: [1], 3: [] })).toEqual({ 1: { kind: 'missing' }, 2: { kind: 'too-few', limit: 2 } })
  expect(findFaults(poll, { 1: [1], 2: [1, 2, 3], 3: [] })).toEqual({ 2: { kind: 'too-many', limit: 2, chosen: 3 } })
  expect(findFaults(poll, { 1: [3], 2: [1, 3], 3: [] })).toEqual({})
})

test('answers hold every question in the poll order, and give the same choices back', () => {
  const answers = answersOf(poll, { 1: [2], 2: [1, 3] })
  expect(answers).toEqual([
    { question: 1, options: [2] },
    { question: 2, options: [1, 3] },
    { question: 3, options: [] },
  ])
  expect(answersOf(poll, choicesOf(poll, answers))).toEqual(answers)
})

test('an option is added in order, and taken away again', () => {
  expect(toggled([3], 1)).toEqual([1, 3])
  expect(toggled([1, 3], 3)).toEqual([1])
})

test("the server's errors go to the questions they speak of", () => {
  const general = { field: 'header idempotency-key', detail: 'expected 16 characters' }
  const unknown = { field: 'answers[9].options', detail: 'expected a question of this poll' }
  const faults = faultsOfErrors(poll, [{ field: 'answers[1].options', detail: 'expected two' }, general, unknown])
  expect(faults).toEqual({ 2: { kind: 'not-taken' } })
})
