import { problems, problemType } from '@urna/contracts'
import { expect, test } from 'vitest'
import { ApiFailure } from './api.ts'
import { describeFailure } from './describe-failure.ts'
import { catalogues, type Texts } from './texts/index.ts'

function failure(reason: ApiFailure['reason'], status: number, type?: string): ApiFailure {
  return new ApiFailure(reason, status, type === undefined ? null : { type, title: 'in English', status })
}

const cases: [string, ApiFailure, (texts: Texts['failure']) => string][] = [
  ['no connection', failure('no-connection', 0), (texts) => texts['no-connection']],
  ['no answer', failure('no-answer', 0), (texts) => texts['no-answer']],
  ['no answer that is the api speaking', failure('no-answer', 200), (texts) => texts['no-answer']],
  ['429 of a proxy', failure('busy', 429), (texts) => texts.tooMany],
  ['502 of a proxy', failure('busy', 502), (texts) => texts.busy],
  ['401 of a proxy', failure('refused', 401), (texts) => texts.problems.unauthorized],
  ['403 of a proxy', failure('refused', 403), (texts) => texts.forbidden],
  ['another refusal', failure('refused', 418), (texts) => texts.refused],
  ['a problem that this page does not know', failure('busy', 503, 'urn:urna:problem:moon-eclipsed'), (texts) => texts.busy],
  ["somebody else's problem", failure('refused', 403, 'https://proxy.example/blocked'), (texts) => texts.forbidden],
  ['a problem without a type', new ApiFailure('busy', 503, {} as never), (texts) => texts.busy],
]
test.each(cases)('%s', (_, thing, saidOf) => {
  for (const texts of Object.values(catalogues)) expect(describeFailure(texts, thing)).toBe(saidOf(texts.failure))
})

test.each(Object.keys(problems) as (keyof typeof problems)[])('the problem %s has words of its own', (name) => {
  const { status } = problems[name]
  for (const texts of Object.values(catalogues))
    expect(describeFailure(texts, failure(status >= 500 ? 'busy' : 'refused', status, problemType(name)))).toBe(
      texts.failure.problems[name],
    )
})
