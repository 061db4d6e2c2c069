import type { Poll } from '@urna/contracts'
import type { Answers } from '../ballot-storage.ts'
import { useTexts } from '../language.tsx'
import { showsQuestionText } from './question-field.tsx'

/** What this voter has chosen, to read only. */
export function OwnVote({ poll, answers }: { poll: Poll; answers: Answers }) {
  const { vote: texts } = useTexts()
  return (
    <section className="card" aria-labelledby="own-vote-heading">
      <h2 id="own-vote-heading">{texts.yourVote}</h2>
      <dl className="own-vote">
        {poll.questions.map((question) => {
          const chosen = answers.find((answer) => answer.question === question.number)?.options ?? []
          const chosenTexts = question.options.filter((option) => chosen.includes(option.number)).map((option) => option.text)
          return (
            <div key={question.number}>
              <dt className={showsQuestionText(poll, question) ? undefined : 'only-read-aloud'}>{question.text}</dt>
              <dd>{chosenTexts.length === 0 ? texts.noAnswer : chosenTexts.join(', ')}</dd>
            </div>
          )
        })}
      </dl>
    </section>
  )
}
