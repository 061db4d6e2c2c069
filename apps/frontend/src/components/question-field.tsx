import type { PollQuestion } from '@urna/contracts'
import { type Fault, faultText, toggled } from '../ballot-answers.ts'
import { useTexts } from '../language.tsx'
import { OwnMark } from './own-mark.tsx'

interface QuestionFieldProps {
  question: PollQuestion
  /** False where the page's title has just said the same. */
  textShown: boolean
  /** None: not looked at yet. */
  chosen: readonly number[] | undefined
  /** What the voter's present vote says; null: there is none. */
  voted: readonly number[] | null
  fault: Fault | undefined
  onChange: (chosen: number[]) => void
}

/** The element that a page can scroll and focus to when the question has a fault. */
export function questionElementId(question: number): string {
  return `question-${question}`
}

/** Many polls ask one question, which is their title. */
export function showsQuestionText(poll: { title: string; questions: readonly unknown[] }, question: { text: string }): boolean {
  return poll.questions.length > 1 || poll.title.trim() !== question.text.trim()
}

export function QuestionField({ question, textShown, chosen, voted, fault, onChange }: QuestionFieldProps) {
  const texts = useTexts()
  const id = questionElementId(question.number)
  const multiple = question.method === 'multiple'
  const hint = [
    multiple ? texts.vote.chooseSome(question.min, question.max, question.options.length) : texts.vote.chooseOne,
    question.required ? '' : texts.vote.mayBeBlank,
  ].join(' ')
  return (
    <fieldset id={id} className="question" tabIndex={-1} aria-describedby={`${id}-hint ${id}-fault`}>
      <legend className={textShown ? undefined : 'only-read-aloud'}>{question.text}</legend>
      <p className="soft" id={`${id}-hint`}>
        {hint}
        {multiple && chosen !== undefined && chosen.length > 0 && <span> {texts.vote.chosen(chosen.length)}</span>}
      </p>
      <p className="fault" id={`${id}-fault`}>
        {fault !== undefined && faultText(texts, fault)}
      </p>
      {question.options.map((option) => (
        <Choice
          key={option.number}
          type={multiple ? 'checkbox' : 'radio'}
          name={id}
          text={option.text}
          checked={chosen?.includes(option.number) ?? false}
          voted={voted?.includes(option.number) ?? false}
          onChange={() => onChange(multiple ? toggled(chosen ?? [], option.number) : [option.number])}
        />
      ))}
      {!multiple && !question.required && (
        <Choice
          type="radio"
          name={id}
          text={texts.vote.noAnswer}
          soft
          checked={chosen?.length === 0}
          voted={voted?.length === 0}
          onChange={() => onChange([])}
        />
      )}
    </fieldset>
  )
}

interface ChoiceProps {
  type: 'radio' | 'checkbox'
  name: string
  text: string
  soft?: boolean
  checked: boolean
  voted: boolean
  onChange: () => void
}

function Choice({ type, name, text, soft = false, checked, voted, onChange }: ChoiceProps) {
  return (
    <label className={`choice${checked ? ' choice-checked' : ''}${soft ? ' soft' : ''}`}>
      <input type={type} name={name} checked={checked} onChange={onChange} />
      <span>{text}</span>
      {voted && <OwnMark />}
    </label>
  )
}
