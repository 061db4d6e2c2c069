import type { OptionResult, QuestionResult } from '@urna/contracts'
import { useId } from 'react'
import { useLanguage, useTexts } from '../language.tsx'
import { OwnMark } from './own-mark.tsx'

interface QuestionResultProps {
  question: QuestionResult
  /** False where the page's title has just said the same. */
  textShown: boolean
  final: boolean
  asTable: boolean
  /** Options this voter chose, as far as this browser knows. */
  own: readonly number[]
}

export function QuestionResultSection({ question, textShown, final, asTable, own }: QuestionResultProps) {
  const { results: texts } = useTexts()
  const heading = useId()
  const tied = question.options.filter((option) => option.leads).length > 1
  const leaderWord = tied ? texts.tied : final ? texts.won : texts.leads
  // Shown only where it happened: the results do not say how many answers a voter could give.
  const several = question.options.reduce((sum, option) => sum + option.total, 0) > question.answered
  const Options = asTable ? OptionTable : OptionBars
  return (
    <section className="question-result" aria-labelledby={heading}>
      <h2 id={heading} className={textShown ? undefined : 'only-read-aloud'}>
        {question.text}
      </h2>
      <p className="soft numbers">
        {question.answered === 0 ? texts.noVotes : texts.answered(question.answered)} {several && texts.severalAnswers}
      </p>
      <Options question={question} heading={heading} leaderWord={leaderWord} own={own} />
    </section>
  )
}

interface OptionsProps {
  question: QuestionResult
  /** Id of the element that names the question. */
  heading: string
  leaderWord: string
  own: readonly number[]
}

function OptionBars({ question, leaderWord, own }: OptionsProps) {
  const { texts, format } = useLanguage()
  return (
    <ul className="bars">
      {question.options.map((option) => (
        <li key={option.number} className={option.leads ? 'bar-row bar-row-leads' : 'bar-row'}>
          <p className="bar-text">
            <OptionName option={option} leaderWord={leaderWord} own={own} />
            <span className="bar-numbers numbers">
              <span className="bar-total">{texts.results.votes(option.total)}</span>{' '}
              <span className="bar-percent">{format.percent(option.percent)}</span>
            </span>
          </p>
          <div className="bar" aria-hidden="true">
            <div className="bar-fill" style={{ width: `${option.percent}%` }} />
          </div>
        </li>
      ))}
    </ul>
  )
}

function OptionTable({ question, heading, leaderWord, own }: OptionsProps) {
  const { texts, format } = useLanguage()
  return (
    <table className="result-table" aria-labelledby={heading}>
      <thead>
        <tr>
          <th scope="col">{texts.results.option}</th>
          <th scope="col">{texts.results.votesColumn}</th>
          <th scope="col">{texts.results.percentColumn}</th>
        </tr>
      </thead>
      <tbody>
        {question.options.map((option) => (
          <tr key={option.number} className={option.leads ? 'bar-row-leads' : undefined}>
            <th scope="row">
              <OptionName option={option} leaderWord={leaderWord} own={own} />
            </th>
            <td className="numbers">{format.number(option.total)}</td>
            <td className="numbers">{format.percent(option.percent)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

interface OptionNameProps {
  option: OptionResult
  leaderWord: string
  own: readonly number[]
}

function OptionName({ option, leaderWord, own }: OptionNameProps) {
  return (
    <span className="bar-option">
      <span>{option.text}</span> {option.leads && <span className="tag">{leaderWord}</span>} {own.includes(option.number) && <OwnMark />}
    </span>
  )
}
