import type { Poll } from '@urna/contracts'
import { PollHeading } from '../../components/poll-heading.tsx'
import { QuestionField, showsQuestionText } from '../../components/question-field.tsx'
import { useWords } from '../words.ts'

/** The voting page, by the voters' own components: to look at, not to use. */
export function PollPreview({ poll }: { poll: Poll }) {
  const { words } = useWords()
  const { editor } = words
  const shown: Poll = {
    ...poll,
    title: poll.title.trim() === '' ? editor.previewTitle : poll.title,
    questions: poll.questions.map((question) => ({
      ...question,
      text: question.text.trim() === '' ? editor.question(question.number) : question.text,
    })),
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also for who has only a keyboard
    <section className="panel editor-preview" aria-labelledby="preview-heading" tabIndex={0}>
      <h2 id="preview-heading">{editor.preview}</h2>
      <p className="soft">{editor.previewHint}</p>
      <div inert className="stack">
        <PollHeading poll={shown} />
        {shown.questions.map((question) => (
          <QuestionField
            key={question.number}
            question={question}
            textShown={showsQuestionText(shown, question)}
            chosen={undefined}
            voted={null}
            fault={undefined}
            onChange={() => {}}
          />
        ))}
      </div>
    </section>
  )
}
