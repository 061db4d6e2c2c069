import { type RefObject, useEffect, useRef, useState } from 'react'
import { type Faults, faultsOfFailure, faultsOfIssues, type Schema } from './faults.ts'
import { useAfterPress } from './use-after-press.ts'
import { useWords } from './words.ts'

/** What an input of a form needs of it. */
export interface Field {
  error: string | undefined
  onBlur: () => void
}

export interface Checked<Value> {
  /** The form: it gets the focus on its first faulty field. */
  form: RefObject<HTMLFormElement | null>
  /** Fault of a field, once it is worth saying: when the field was left, or the form was sent. */
  faultAt(field: string): string | undefined
  field(field: string): Field
  /** The last refusal was about fields of this form, and said there. */
  saidInFields: boolean
  /** How many faults are shown. */
  faultCount: number
  /** The value as the api takes it; null, and all faults are shown, where it does not. */
  submit(): Value | null
  /** Shows what the api found wrong. True: fields of this form. */
  refuse(failure: unknown): boolean
}

/** Checks a form by the api's own schema while it is filled in. */
export function useChecked<Value>(schema: Schema<Value>, value: unknown): Checked<Value> {
  const { words } = useWords()
  const form = useRef<HTMLFormElement>(null)
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set())
  const [sent, setSent] = useState(false)
  const [refused, setRefused] = useState<{ faults: Faults; of: string } | null>(null)
  const [toFocus, setToFocus] = useState(0)
  const afterPress = useAfterPress()

  const result = schema.safeParse(value)
  const found = result.success ? {} : faultsOfIssues(result.error.issues, words)
  // What the api said holds for what it was asked, not for what was typed since.
  const said = refused !== null && refused.of === JSON.stringify(value) ? refused.faults : {}
  const faults: Faults = { ...said, ...found }

  useEffect(() => {
    if (toFocus > 0) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [toFocus])

  function faultAt(field: string): string | undefined {
    return sent || left.has(field) || said[field] !== undefined ? faults[field] : undefined
  }

  return {
    form,
    faultAt,
    field: (field) => ({ error: faultAt(field), onBlur: () => afterPress(() => setLeft((before) => new Set(before).add(field))) }),
    saidInFields: refused !== null,
    faultCount: sent ? Object.keys(faults).length : Object.keys(said).length,
    submit() {
      setSent(true)
      if (result.success) return result.data
      setToFocus((times) => times + 1)
      return null
    },
    refuse(failure) {
      const byApi = faultsOfFailure(failure, words)
      if (Object.keys(byApi).length === 0) {
        setRefused(null)
        return false
      }
      setRefused({ faults: byApi, of: JSON.stringify(value) })
      setToFocus((times) => times + 1)
      return true
    },
  }
}
