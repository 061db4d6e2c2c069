import { Radio } from '@mantine/core'
import type { AccessLevel } from '@urna/contracts'
import { accessLevel } from '@urna/contracts/poll'
import { useWords } from '../words.ts'

interface AccessFieldProps {
  value: AccessLevel
  onChange: (level: AccessLevel) => void
}

/** Who may vote; with each level, what it stops and what it does not. */
export function AccessField({ value, onChange }: AccessFieldProps) {
  const { words } = useWords()
  return (
    <Radio.Group
      label={words.editor.access}
      value={value}
      onChange={(chosen) => {
        const level = accessLevel.safeParse(chosen)
        if (level.success) onChange(level.data)
      }}
    >
      <div className="levels">
        {accessLevel.options.map((level) => (
          <div key={level}>
            <Radio value={level} label={words.levels[level].name} aria-describedby={`level-${level}`} />
            <div className="level-lines" id={`level-${level}`}>
              <p>{words.levels[level].stops}</p>
              <p>{words.levels[level].stopsNot}</p>
            </div>
          </div>
        ))}
      </div>
    </Radio.Group>
  )
}
