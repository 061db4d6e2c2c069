import { Button, Checkbox, NativeSelect, Textarea, TextInput } from '@mantine/core'
import { type KeyboardEvent, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { mayAddOption, moved, newOption, type OptionDraft, type QuestionDraft, withPasted } from '../poll-draft.ts'
import type { Checked } from '../use-checked.ts'
import { useWords } from '../words.ts'
import { MoveButtons, moveOfKey } from './move-buttons.tsx'

interface QuestionEditorProps {
  question: QuestionDraft
  index: number
  count: number
  checked: Checked<unknown>
  onChange: (question: QuestionDraft) => void
  onMove: (by: -1 | 1) => void
  onRemove: () => void
}

export function QuestionEditor({ question, index, count, checked, onChange, onMove, onRemove }: QuestionEditorProps) {
  const { words } = useWords()
  const { editor } = words
  const place = useRef<HTMLFieldSetElement>(null)
  const [pasting, setPasting] = useState<string | null>(null)
  const field = (name: string) => `questions[${index}].${name}`
  const number = index + 1
  const { options } = question

  /** The focus is on the option at once: whoever types fast types into it. */
  function changeAndFocus(next: readonly OptionDraft[], at: number) {
    flushSync(() => onChange({ ...question, options: next }))
    focusOption(at)
  }

  function focusOption(at: number) {
    place.current?.querySelectorAll<HTMLElement>('[data-option]')[at]?.focus()
  }

  function addOption() {
    changeAndFocus([...options, newOption()], options.length)
  }

  function moveOption(from: number, by: -1 | 1, keepsFocus: boolean) {
    const next = moved(options, from, from + by)
    if (keepsFocus) changeAndFocus(next, Math.min(options.length - 1, Math.max(0, from + by)))
    else onChange({ ...question, options: next })
  }

  function removeOption(at: number) {
    changeAndFocus(options.toSpliced(at, 1), Math.max(0, at - 1))
  }

  function keyInOption(event: KeyboardEvent, at: number) {
    const by = moveOfKey(event)
    if (by !== null) {
      event.preventDefault()
      moveOption(at, by, true)
    } else if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) {
      // The next line, as in any list that is written; not the whole form.
      event.preventDefault()
      if (at === options.length - 1 && mayAddOption(question)) addOption()
      else focusOption(at + 1)
    }
  }

  function keyInQuestion(event: KeyboardEvent) {
    const by = moveOfKey(event)
    if (by === null) return
    event.preventDefault()
    onMove(by)
  }

  return (
    <fieldset className="panel stack" ref={place}>
      <legend className="only-read-aloud">{editor.question(number)}</legend>
      <div className="option-row question-row">
        <TextInput
          label={editor.question(number)}
          data-question
          value={question.text}
          onChange={(event) => onChange({ ...question, text: event.target.value })}
          onKeyDown={keyInQuestion}
          {...checked.field(field('text'))}
          autoComplete="off"
        />
        {count > 1 && (
          <MoveButtons
            up={editor.moveQuestionUp(number)}
            down={editor.moveQuestionDown(number)}
            remove={editor.removeQuestion(number)}
            first={index === 0}
            last={index === count - 1}
            removable={count > 1}
            onMove={onMove}
            onRemove={onRemove}
          />
        )}
      </div>
      <div>
        {options.map((option, at) => (
          <div key={option.key} className="option-row">
            <TextInput
              data-option
              aria-label={editor.option(at + 1, number)}
              placeholder={editor.optionPlaceholder(at + 1)}
              value={option.text}
              onChange={(event) => onChange({ ...question, options: options.with(at, { ...option, text: event.target.value }) })}
              onKeyDown={(event) => keyInOption(event, at)}
              {...checked.field(field(`options[${at}].text`))}
              autoComplete="off"
            />
            <MoveButtons
              up={editor.moveOptionUp(at + 1, number)}
              down={editor.moveOptionDown(at + 1, number)}
              remove={editor.removeOption(at + 1, number)}
              first={at === 0}
              last={at === options.length - 1}
              removable={options.length > 2}
              onMove={(by) => moveOption(at, by, false)}
              onRemove={() => removeOption(at)}
            />
          </div>
        ))}
        <Fault text={checked.faultAt(field('options'))} />
      </div>
      <p className="soft">{editor.keys}</p>
      <div className="form-end">
        <Button variant="default" onClick={addOption} disabled={!mayAddOption(question)}>
          {editor.addOption}
        </Button>
        {pasting === null && (
          <Button variant="subtle" onClick={() => setPasting('')}>
            {editor.pasteOptions}
          </Button>
        )}
      </div>
      {pasting !== null && (
        <div className="stack">
          <Textarea
            label={editor.pasted}
            description={editor.pastedHint}
            value={pasting}
            rows={5}
            onChange={(event) => setPasting(event.target.value)}
            autoFocus
          />
          <div className="form-end">
            <Button
              onClick={() => {
                setPasting(null)
                changeAndFocus(withPasted(question, pasting).options, 0)
              }}
            >
              {editor.takePasted}
            </Button>
            <Button variant="default" onClick={() => setPasting(null)}>
              {words.dialog.cancel}
            </Button>
          </div>
        </div>
      )}
      <div className="row">
        <NativeSelect
          className="grow"
          label={editor.method}
          value={question.method}
          onChange={(event) => onChange({ ...question, method: event.target.value === 'multiple' ? 'multiple' : 'single' })}
          data={[
            { value: 'single', label: editor.methods.single },
            { value: 'multiple', label: editor.methods.multiple },
          ]}
        />
        {question.method === 'multiple' && (
          <>
            <TextInput
              className="limit"
              type="number"
              inputMode="numeric"
              min={1}
              label={editor.min}
              value={question.min}
              onChange={(event) => onChange({ ...question, min: event.target.value })}
              {...checked.field(field('min'))}
            />
            <TextInput
              className="limit"
              type="number"
              inputMode="numeric"
              min={1}
              label={editor.max}
              placeholder={editor.noLimit}
              value={question.max}
              onChange={(event) => onChange({ ...question, max: event.target.value })}
              {...checked.field(field('max'))}
            />
          </>
        )}
      </div>
      <Checkbox
        label={editor.required}
        checked={question.required}
        onChange={(event) => onChange({ ...question, required: event.target.checked })}
      />
    </fieldset>
  )
}

function Fault({ text }: { text: string | undefined }) {
  return text === undefined ? null : (
    <p className="fault" role="alert">
      {text}
    </p>
  )
}
