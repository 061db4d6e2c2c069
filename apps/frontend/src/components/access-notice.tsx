import type { AccessLevel } from '@urna/contracts'
import { useTexts } from '../language.tsx'

/** Who can vote here, in plain words: what that keeps out, and what it does not. */
export function AccessNotice({ level }: { level: AccessLevel }) {
  const { access } = useTexts()
  const { who, stops, stopsNot } = access.levels[level]
  return (
    <details>
      <summary>{access.question}</summary>
      <p>{who}</p>
      <p>{stops}</p>
      <p>{stopsNot}</p>
    </details>
  )
}
