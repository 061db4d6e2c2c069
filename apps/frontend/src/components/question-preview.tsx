import type { Poll } from '@urna/contracts'
import { showsQuestionText } from './question-field.tsx'

/** What will be asked, while nothing can be answered yet. */
export function QuestionPreview({ poll }: { poll: Poll }) {
  return poll.questions.map((question) => (
    <section key={question.number} className="question-preview" aria-labelledby={`preview-${question.number}`}>
      <h2 id={`preview-${question.number}`} className={showsQuestionText(poll, question) ? undefined : 'only-read-aloud'}>
        {question.text}
      </h2>
      <ul>
        {question.options.map((option) => (
          <li key={option.number}>{option.text}</li>
        ))}
      </ul>
    </section>
  ))
}
