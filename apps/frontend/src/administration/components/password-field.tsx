import { Checkbox, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useWords } from '../words.ts'

interface PasswordFieldProps {
  label: string
  description?: string
  value: string
  onChange: (value: string) => void
  error?: string | undefined
  onBlur?: () => void
  /** What password managers go by. */
  autoComplete: 'current-password' | 'new-password'
  /** Takes the focus of the dialog that it is in. */
  first?: boolean
}

/** A password that can be shown: long ones are typed right only where they are seen. */
export function PasswordField({ onChange, autoComplete, first = false, error, ...rest }: PasswordFieldProps) {
  const { words } = useWords()
  const [shown, setShown] = useState(false)
  return (
    <div>
      <TextInput
        {...rest}
        type={shown ? 'text' : 'password'}
        onChange={(event) => onChange(event.target.value)}
        error={error}
        autoComplete={autoComplete}
        autoCapitalize="none"
        spellCheck={false}
        {...(first ? { 'data-autofocus': true } : {})}
      />
      <Checkbox
        className="below-field"
        size="sm"
        label={
          <>
            {words.signIn.showPassword}
            <span className="only-read-aloud">: {rest.label}</span>
          </>
        }
        checked={shown}
        onChange={(event) => setShown(event.target.checked)}
      />
    </div>
  )
}
