import type { OptionResult, QuestionResult } from '@urna/contracts'
import { formatPercent } from '../format.ts'
import { texts } from '../texts.ts'

interface QuestionResultProps {
  question: QuestionResult
  final: boolean
  /** Options this voter chose, as far as this browser knows. */
  own: readonly number[]
}

export function QuestionResultBars({ question, final, own }: QuestionResultProps) {
  const tied = question.options.filter((option) => option.leads).length > 1
  const leaderWord = tied ? texts.results.tied : final ? texts.results.won : texts.results.leads
  return (
    <section className="question-result">
      <h2>{question.text}</h2>
      <p className="soft numbers">{texts.results.answered(question.answered)}</p>
      <ul className="bars">
        {question.options.map((option) => (
          <OptionBar key={option.number} option={option} leaderWord={leaderWord} own={own.includes(option.number)} />
        ))}
      </ul>
    </section>
  )
}

interface OptionBarProps {
  option: OptionResult
  leaderWord: string
  own: boolean
}

function OptionBar({ option, leaderWord, own }: OptionBarProps) {
  return (
    <li className={option.leads ? 'bar-row bar-row-leads' : 'bar-row'}>
      <p className="bar-text">
        <span className="bar-option">
          {option.text}
          {option.leads && <span className="tag">{leaderWord}</span>}
          {own && (
            <span className="tag tag-own">
              <span aria-hidden="true">✓</span> {texts.results.yourVote}
            </span>
          )}
        </span>
        <span className="bar-numbers numbers">
          <span className="bar-percent">{formatPercent(option.percent)}</span>{' '}
          <span className="bar-total">{texts.results.votes(option.total)}</span>
        </span>
      </p>
      <div className="bar" aria-hidden="true">
        <div className="bar-fill" style={{ width: `${option.percent}%` }} />
      </div>
    </li>
  )
}
