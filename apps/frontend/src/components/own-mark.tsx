import { useTexts } from '../language.tsx'

/** Beside what this voter has voted for. */
export function OwnMark() {
  const { results } = useTexts()
  return (
    <span className="tag tag-own">
      <span aria-hidden="true">✓</span> {results.yourVote}
    </span>
  )
}
