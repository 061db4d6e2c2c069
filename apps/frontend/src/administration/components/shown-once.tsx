import { useWords } from '../words.ts'
import { Copyable } from './copyable.tsx'

/** A secret that is shown this one time. */
export function ShownOnce({ secret, label }: { secret: string; label: string }) {
  const { words } = useWords()
  return (
    <div className="stack">
      <p>
        <strong>{label}</strong> {words.secret.once}
      </p>
      <Copyable text={secret} />
    </div>
  )
}
