import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PollDefinition, Question } from '../poll/poll.ts'
import { answersFit, canonicalAnswers, optionsOf } from './answers.ts'
import { tallyKeys } from './tally-keys.ts'

const options = (count: number) => Array.from({ length: count }, (_, index) => ({ number: index + 1, text: `option ${index + 1}` }))
const single: Question = { number: 1, text: 'one', method: 'single', required: true, min: 1, max: 1, options: options(3) }
const multiple: Question = { number: 2, text: 'some', method: 'multiple', required: false, min: 2, max: 3, options: options(12) }
const definition: PollDefinition = {
  title: 'test',
  description: '',
  questions: [single, multiple],
  changesAllowed: true,
  resultsVisibility: 'always',
  access: 'open',
  listed: true,
}

describe('canonical answers', () => {
  it('are one text a question, numbers ascending, blanks empty', () => {
    const answers = canonicalAnswers(definition, [
      { question: 2, options: [11, 2, 9] },
      { question: 1, options: [3] },
    ])
    expect(answers).toEqual({ ok: true, value: ['3', '2,9,11'] })
    expect(canonicalAnswers(definition, [{ question: 1, options: [1] }])).toEqual({ ok: true, value: ['1', ''] })
    expect(
      canonicalAnswers(definition, [
        { question: 1, options: [1] },
        { question: 2, options: [] },
      ]),
    ).toEqual({ ok: true, value: ['1', ''] })
  })

  const faulty: [string, { question: number; options: number[] }[], string][] = [
    ['a question left out that must be answered', [{ question: 2, options: [1, 2] }], 'answers'],
    ['a blank where an answer is required', [{ question: 1, options: [] }], 'answers[0].options'],
    [
      'an unknown question',
      [
        { question: 1, options: [1] },
        { question: 3, options: [1] },
      ],
      'answers[1].question',
    ],
    [
      'a question twice',
      [
        { question: 1, options: [1] },
        { question: 1, options: [2] },
      ],
      'answers[1].question',
    ],
    ['an unknown option', [{ question: 1, options: [4] }], 'answers[0].options'],
    ['two options where one is chosen', [{ question: 1, options: [1, 2] }], 'answers[0].options'],
    [
      'an option twice',
      [
        { question: 1, options: [1] },
        { question: 2, options: [4, 4] },
      ],
      'answers[1].options',
    ],
    [
      'too few',
      [
        { question: 1, options: [1] },
        { question: 2, options: [4] },
      ],
      'answers[1].options',
    ],
    [
      'too many',
      [
        { question: 1, options: [1] },
        { question: 2, options: [1, 2, 3, 4] },
      ],
      'answers[1].options',
    ],
  ]
  it.each(faulty)('refuse %s, and name the field', (_name, answers, field) => {
    const result = canonicalAnswers(definition, answers)
    expect(result.ok ? [] : result.failure.map((fault) => fault.field)).toContain(field)
  })

  it('fit the poll they were made for, and read back as the same set', () => {
    const chosen = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 2, maxLength: 3 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.option(chosen, { nil: [] }), (one, some) => {
        const answers = canonicalAnswers(definition, [
          { question: 1, options: [one] },
          { question: 2, options: some },
        ])
        expect(answers.ok).toBe(true)
        if (!answers.ok) return
        expect(answersFit(definition, answers.value)).toBe(true)
        expect(optionsOf(multiple, answers.value[1] as string)).toEqual([...some].sort((left, right) => left - right))
      }),
    )
  })

  it('do not fit in any other form', () => {
    for (const answers of [
      [],
      ['1'],
      ['1', '', ''],
      ['', '1,2'],
      ['01', ''],
      ['1', '2,1'],
      ['1', '1,1'],
      ['4', ''],
      ['1', '1'],
      ['1', '1,2,3,4'],
      ['1', '1,'],
      ['x', ''],
      ['1', '1e1,11'],
    ]) {
      expect(answersFit(definition, answers)).toBe(false)
    }
  })
})

describe('tally keys', () => {
  it('are the chosen options and "answered", nothing for a blank', () => {
    expect(tallyKeys(definition, ['3', ''])).toEqual([
      { question: 1, key: '3' },
      { question: 1, key: 'answered' },
    ])
    expect(tallyKeys(definition, ['1', '2,11']).map(({ question, key }) => `${question}:${key}`)).toEqual([
      '1:1',
      '1:answered',
      '2:2',
      '2:11',
      '2:answered',
    ])
  })
})
